# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits that an update would meet are told by the validation: of a running guest, one by one."""

import contextlib
import ctypes
import fcntl
import mmap
import os
import pathlib
import resource
import struct

from lib.capabilities import emulator_within_limits
from lib.domain import Domain
from lib.picture import Picture
from lib.process import Holdings
from lib.update import NEXT_VMM, TOOL, Update, controller_pid, job

TIMEOUT_S = 300

CGROUPS = pathlib.Path("/sys/fs/cgroup")
# Less than an update may need.
LITTLE_MEMORY = 12 << 20
CAP_IPC_LOCK = 14

PIDFD_OPEN, PIDFD_GETFD = 434, 438
# <linux/vfio.h>
VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_UNMAP_DMA = 0x3b71, 0x3b72
READ_AND_WRITE = 3
# Far from the guest's memory and devices, near enough for any IOMMU.
FREE_IOVA = 64 << 30


@contextlib.contextmanager
def lowered(pid, which, value):
    """A process may have less, for a while."""
    before = resource.prlimit(pid, which)
    resource.prlimit(pid, which, (value, value))
    try:
        yield
    finally:
        resource.prlimit(pid, which, before)


@contextlib.contextmanager
def little_memory(pid):
    """The process is in a control group that has little left."""
    before = pathlib.Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii")
    home = CGROUPS / before.strip().partition("::")[2].lstrip("/")
    group = CGROUPS / "tight"
    (CGROUPS / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
    group.mkdir()
    (group / "memory.max").write_text(str(LITTLE_MEMORY), encoding="ascii")
    (group / "cgroup.procs").write_text(str(pid), encoding="ascii")
    try:
        yield
    finally:
        (home / "cgroup.procs").write_text(str(pid), encoding="ascii")
        group.rmdir()


def container_of(pid):
    """A duplicate of the VMM's VFIO container."""
    number = next(int(name) for name in os.listdir(f"/proc/{pid}/fd")
                  if os.readlink(f"/proc/{pid}/fd/{name}") == "/dev/vfio/vfio")
    libc = ctypes.CDLL(None, use_errno=True)
    process = libc.syscall(PIDFD_OPEN, pid, 0)
    container = libc.syscall(PIDFD_GETFD, process, number, 0)
    os.close(process)
    return container


@contextlib.contextmanager
def foreign_mapping(pid):
    """Somebody else has memory in the VMM's container."""
    container = container_of(pid)
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    request = struct.Struct("=IIQQQ")
    fcntl.ioctl(container, VFIO_IOMMU_MAP_DMA,
                request.pack(request.size, READ_AND_WRITE, address, FREE_IOVA, mmap.PAGESIZE))
    try:
        yield
    finally:
        request = struct.Struct("=IIQQ")
        fcntl.ioctl(container, VFIO_IOMMU_UNMAP_DMA,
                    request.pack(request.size, 0, FREE_IOVA, mmap.PAGESIZE))
        os.close(container)


def require_told(l1, guest, name, text, *options):
    """The tool fails for that blocker alone, tells these numbers, and nothing has happened."""
    before = Picture(guest)
    result = l1.run(TOOL, *options, guest.name, NEXT_VMM, check=False)
    l1.log(result.stderr.strip())
    l1.require(result.returncode == 1, f"{TOOL} ended with {result.returncode}")
    told = [line for line in result.stderr.splitlines() if f"blocker {name}: " in line]
    l1.require(len(told) == 1 and text in told[0] and "(remedy: " in told[0],
               f"{name} is not told, with '{text}': {result.stderr}")
    last = job(guest)
    l1.require(last["status"] == "failed" and last["phase"] == "validate" and
               [blocker["id"] for blocker in last["blockers"]] == [name], f"the job: {last}")
    before.require_same(l1, Picture(guest), f"{name} and {TOOL}")


def require_refused(l1, guest, name, text, condition):
    """Neither the check nor the update gets any further while the condition lasts."""
    with condition:
        require_told(l1, guest, name, text, "--check")
        require_told(l1, guest, name, text)
        guest.wait_for_io(10)
    print(f"{name}: refused, told '{text}'", flush=True)


def few_files(guest, pid):
    """So many that a process can live and answer with them, but not update."""
    return Holdings(pid).descriptor_count() + guest.qmp("query-cpr")["descriptors"] + 8


def run(l1):
    """Each limit is lowered on a running guest, and put back; then the update succeeds."""
    guest = Domain(l1, emulator_within_limits(), vcpus=2, jobs=["io"])
    guest.start()
    guest.wait_for_io(20)
    job(guest)
    pid, controller = guest.pid(), controller_pid(l1)
    vmm = Holdings(pid)
    l1.log(str(vmm))
    locked = vmm.kib("VmLck")
    l1.require(not int(vmm.status["CapEff"], 16) >> CAP_IPC_LOCK & 1,
               "the VMM has the right to lock all memory")
    require_refused(l1, guest, "memlock-too-low", f"lock {locked} KiB",
                    lowered(pid, resource.RLIMIT_MEMLOCK, (locked - 4) << 10))
    require_refused(l1, guest, "memlock-too-low", f"controller, process {controller}, may give",
                    lowered(controller, resource.RLIMIT_MEMLOCK, (locked - 4) << 10))
    files = few_files(guest, pid)
    require_refused(l1, guest, "too-many-files", f"the VMM, process {pid}, has",
                    lowered(pid, resource.RLIMIT_NOFILE, files))
    files = few_files(guest, controller)
    require_refused(l1, guest, "too-many-files", f"the controller, process {controller}, has",
                    lowered(controller, resource.RLIMIT_NOFILE, files))
    require_refused(l1, guest, "no-memory", "the control group '/tight' has", little_memory(pid))
    require_refused(l1, guest, "dma-map-differs", "mappings for DMA", foreign_mapping(pid))
    l1.run(TOOL, "--check", guest.name, NEXT_VMM)
    update = Update(guest, NEXT_VMM)
    update.require_device_untouched()
    guest.wait_for_io(20)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
