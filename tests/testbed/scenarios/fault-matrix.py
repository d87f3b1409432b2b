# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every phase of an update fails in many ways, and the guest is kept each time."""

import os
import pathlib
import resource
import shutil
import signal

from lib.capabilities import emulator_within_limits
from lib.domain import Domain
from lib.faults import (CORRUPTED, ENVIRONMENT, EXECVEAT, EXITS, HANGS, MEMFD, MMAP, PREAD, PWRITE,
                        SENDMSG, TALKS_GARBAGE, TELLS_OF_BINARY, TELLS_OF_LOAD, Fault, delayed,
                        error, killed, saving)
from lib.l1 import FILES, Failure
from lib.matrix import A_WHILE, NEW, OLD, Cell, Matrix, cancel, run_matrices
from lib.trace import NVME_DEVICES
from lib.update import NEXT_VMM, VMM, set_deadlines

TIMEOUT_S = 3600
SHORT_TIMEOUT_S = 400
# Of the cells in the short form, every so many.
SHORT_STEP = 13

QUERY, INFO, SAVE, EXEC, LOAD, RESUME, KILL = 4000, 6000, 4500, 6000, 6000, 4000, 5000
STOP = 8000
DEADLINES_MS = {"query-deadline": QUERY, "info-deadline": INFO,
                "rehearsal-deadline": INFO, "save-deadline": SAVE,
                "exec-deadline": EXEC, "load-deadline": LOAD, "resume-deadline": RESUME,
                "kill-deadline": KILL, "longest-stop": STOP}
# As docs/protocol.md derives it.
LONGEST_FAILURE_NS = 1_000_000 * (STOP + (QUERY + EXEC + QUERY) + (KILL + EXEC + QUERY) +
                                  LOAD + RESUME)
# The new binary reads descriptor table and state, first in the rehearsal and then in earnest.
ARRIVED, LOADED = 3, 4


# -- new binaries that are none ---------------------------------------------------------------

def impostor(name):
    """A maker of a program that fails as its name says (tests/testbed/faults/impostor.c)."""
    def make(_matrix):
        return shutil.copy(FILES / "impostor", pathlib.Path("/run") / name)
    return make


def truncated(matrix):
    """The next binary, cut off: the kernel takes its header."""
    path = pathlib.Path("/run/cpr-truncated")
    path.write_bytes(pathlib.Path(matrix.next).read_bytes()[:65536])
    path.chmod(0o755)
    return path


# -- what is done meanwhile -------------------------------------------------------------------

def kill_client(matrix):
    """The tool dies; the update is none of its business any more."""
    matrix.client.send_signal(signal.SIGKILL)


def restart_libvirt(matrix):
    """The daemon goes and comes back."""
    matrix.l1.restart_libvirt()


def kill_vmm(matrix):
    """The VMM's process is killed by somebody."""
    os.kill(matrix.guest.pid(), signal.SIGKILL)


def spoil_state(matrix):
    """Whoever has a descriptor of the state cannot change it."""
    folder = pathlib.Path(f"/proc/{matrix.guest.pid()}/fd")
    states = [entry for entry in folder.iterdir() if "cpr-state" in os.readlink(entry)]
    matrix.l1.require(states, "the new VMM has no state")
    for entry in states:
        with entry.open("r+b", buffering=0) as file:
            for spoil in (lambda: file.truncate(0), lambda: file.write(b"spoilt")):
                try:
                    spoil()
                except PermissionError:
                    continue
                raise Failure("the state can be changed")


def lower_memlock(matrix):
    """Somebody lowers what the VMM may lock, after it was compared."""
    resource.prlimit(matrix.guest.pid(), resource.RLIMIT_MEMLOCK, (65536, 65536))


REFUSED = ("failed",)
DONE = ("completed",)
CELLS = [
    Cell("validate", "missing binary", binary="/nonexistent/vmm", status=REFUSED),
    Cell("validate", "binary not executable", binary="/etc/passwd", status=REFUSED),
    Cell("validate", "foreign binary", binary="/usr/bin/true", status=REFUSED),
    Cell("validate", "folder as binary", binary="/usr", status=REFUSED),
    Cell("validate", "truncated binary", binary=truncated, status=REFUSED),
    Cell("validate", "--info talks garbage", binary=impostor("info-garbage"), status=REFUSED,
         says="its answer to --info is not understood"),
    Cell("validate", "--info crashes", binary=impostor("info-crashes"), status=REFUSED,
         says="with --info it was killed by signal 11"),
    Cell("validate", "--info hangs", binary=impostor("info-hangs"), status=REFUSED,
         says="it did not end in time"),
    Cell("validate", "--info without end", binary=impostor("info-endless"), status=REFUSED,
         says="it writes more than"),
    Cell("validate", "rehearsal refuses the state", binary=impostor("lacks-a-device"),
         status=REFUSED, says="pvpanic"),
    Cell("validate", "rehearsal talks garbage", binary=impostor("garbage"), status=REFUSED,
         says="it said '"),
    Cell("validate", "rehearsal crashes", binary=impostor("crashes"), status=REFUSED,
         says="killed by signal 11"),
    Cell("validate", "rehearsal hangs", binary=impostor("hangs"), status=REFUSED,
         says="did not end in time"),
    Cell("validate", "state cannot be copied", Fault(OLD, "KVM_GET_LAPIC", error("EIO")),
         status=REFUSED, says="Input/output error"),
    Cell("validate", "the tool is killed", binary=impostor("info-slow"), meanwhile=kill_client,
         status=REFUSED, says="its answer to --info is not understood"),
    Cell("validate", "libvirtd restarts", binary=impostor("info-slow"),
         meanwhile=restart_libvirt, status=REFUSED,
         says="its answer to --info is not understood"),
    Cell("prepare", "cancelled", Fault(OLD, SENDMSG, A_WHILE, TELLS_OF_BINARY), meanwhile=cancel,
         status=("cancelled",)),

    Cell("save", "irqfd cannot be detached", Fault(OLD, "KVM_IRQFD", error("EIO"))),
    Cell("save", "second irqfd cannot be detached", Fault(OLD, "KVM_IRQFD", error("EIO"), 2)),
    Cell("save", "vCPU state cannot be read", saving("KVM_GET_LAPIC", error("EIO"))),
    Cell("save", "second vCPU's state cannot be read", saving("KVM_GET_LAPIC", error("EIO"), 2)),
    Cell("save", "clock cannot be read", saving("KVM_GET_CLOCK", error("EIO"))),
    Cell("save", "no memfd for the state", saving(MEMFD, error("EMFILE"))),
    Cell("save", "no memfd for the gate", saving(MEMFD, error("ENOMEM"), 2)),
    Cell("save", "state cannot be written", saving(PWRITE, error("ENOSPC"))),
    Cell("save", "state is written in pieces", saving(PWRITE, TALKS_GARBAGE), status=DONE),
    Cell("save", "state is corrupted on its way", saving(PWRITE, CORRUPTED)),
    Cell("save", "container is not able", Fault(OLD, "VFIO_CHECK_EXTENSION", error("EIO"))),
    Cell("save", "vaddrs cannot be invalidated",
         Fault(OLD, "VFIO_IOMMU_UNMAP_DMA", error("EINVAL"))),
    Cell("save", "takes longer than it may", saving(PWRITE, delayed(7000))),
    Cell("save", "ends long after it was given up", saving(PWRITE, delayed(15000)),
         status=REFUSED),
    Cell("save", "cancelled", saving(PWRITE, A_WHILE), meanwhile=cancel, status=("cancelled",)),
    Cell("save", "the tool is killed", saving(PWRITE, A_WHILE), meanwhile=kill_client,
         status=DONE),
    Cell("save", "libvirtd restarts", saving(PWRITE, A_WHILE), meanwhile=restart_libvirt,
         status=DONE),

    Cell("exec", "no such file", Fault(OLD, EXECVEAT, error("ENOENT"))),
    Cell("exec", "permission denied", Fault(OLD, EXECVEAT, error("EACCES"))),
    Cell("exec", "not permitted, as by a sandbox", Fault(OLD, EXECVEAT, error("EPERM"))),
    Cell("exec", "out of memory", Fault(OLD, EXECVEAT, error("ENOMEM"))),
    Cell("exec", "no descriptor table", saving(MEMFD, error("EMFILE"), 3)),
    Cell("exec", "old VMM killed at the exec", Fault(OLD, EXECVEAT, killed("SIGKILL"))),
    Cell("exec", "old VMM crashes at the exec", Fault(OLD, EXECVEAT, killed("SIGSEGV"))),
    Cell("exec", "old VMM hangs at the exec", Fault(OLD, EXECVEAT, HANGS)),
    Cell("exec", "new VMM killed at its start", Fault(NEW, SENDMSG, killed("SIGKILL"))),
    Cell("exec", "new VMM crashes at its start", Fault(NEW, SENDMSG, killed("SIGSEGV"))),
    Cell("exec", "new VMM hangs at its start", Fault(NEW, SENDMSG, HANGS)),
    Cell("exec", "new VMM ends at its start", Fault(NEW, SENDMSG, EXITS)),
    Cell("exec", "new VMM talks garbage at its start", Fault(NEW, SENDMSG, TALKS_GARBAGE)),
    Cell("exec", "new VMM aborts at its second message", Fault(NEW, SENDMSG, killed("SIGABRT"), 2)),
    Cell("exec", "descriptor table read corrupted", Fault(NEW, PREAD, CORRUPTED, ARRIVED)),
    Cell("exec", "cancelled", Fault(OLD, EXECVEAT, A_WHILE), meanwhile=cancel,
         status=("cancelled",)),
    Cell("exec", "libvirtd restarts", Fault(OLD, EXECVEAT, A_WHILE), meanwhile=restart_libvirt,
         status=DONE),

    Cell("load", "state is read corrupted", Fault(NEW, PREAD, CORRUPTED, LOADED)),
    Cell("load", "state cannot be read", Fault(NEW, PREAD, error("EIO"), LOADED)),
    Cell("load", "an attempt to spoil the state", Fault(NEW, MMAP, A_WHILE), meanwhile=spoil_state,
         status=DONE),
    Cell("load", "no VM", Fault(NEW, "KVM_CREATE_VM", error("ENOMEM"))),
    Cell("load", "no vCPU", Fault(NEW, "KVM_CREATE_VCPU", error("ENOMEM"))),
    Cell("load", "no second vCPU", Fault(NEW, "KVM_CREATE_VCPU", error("EMFILE"), 2)),
    Cell("load", "no interrupt controller", Fault(NEW, "KVM_CREATE_IRQCHIP", error("EIO"))),
    Cell("load", "no memory slot", Fault(NEW, "KVM_SET_USER_MEMORY_REGION", error("EINVAL"))),
    Cell("load", "no second memory slot",
         Fault(NEW, "KVM_SET_USER_MEMORY_REGION", error("EEXIST"), 2)),
    Cell("load", "vCPU state refused", Fault(NEW, "KVM_SET_LAPIC", error("EINVAL"))),
    Cell("load", "memory cannot be mapped", Fault(NEW, MMAP, error("ENOMEM"))),
    Cell("load", "first claim fails", Fault(NEW, "VFIO_IOMMU_MAP_DMA", error("ENOMEM"))),
    Cell("load", "second claim fails", Fault(NEW, "VFIO_IOMMU_MAP_DMA", error("EFAULT"), 2)),
    Cell("load", "killed at the first claim", Fault(NEW, "VFIO_IOMMU_MAP_DMA", killed("SIGKILL"))),
    Cell("load", "killed at the second claim",
         Fault(NEW, "VFIO_IOMMU_MAP_DMA", killed("SIGKILL"), 2)),
    Cell("load", "RLIMIT_MEMLOCK is lowered", Fault(NEW, MMAP, A_WHILE), meanwhile=lower_memlock),
    Cell("load", "crashes at the second claim",
         Fault(NEW, "VFIO_IOMMU_MAP_DMA", killed("SIGSEGV"), 2)),
    Cell("load", "hangs at the second claim", Fault(NEW, "VFIO_IOMMU_MAP_DMA", HANGS, 2)),
    Cell("load", "irqfd cannot be attached", Fault(NEW, "KVM_IRQFD", error("EBUSY"))),
    Cell("load", "second irqfd cannot be attached", Fault(NEW, "KVM_IRQFD", error("EBUSY"), 2)),
    Cell("load", "killed at the irqfd", Fault(NEW, "KVM_IRQFD", killed("SIGKILL"))),
    Cell("load", "killed at the second irqfd", Fault(NEW, "KVM_IRQFD", killed("SIGKILL"), 2)),
    Cell("load", "no routes", Fault(NEW, "KVM_SET_GSI_ROUTING", error("EINVAL"))),
    Cell("load", "ends at the memory", Fault(NEW, MMAP, EXITS)),
    Cell("load", "answers with garbage", Fault(NEW, SENDMSG, TALKS_GARBAGE, TELLS_OF_LOAD)),
    Cell("load", "killed at the answer", Fault(NEW, SENDMSG, killed("SIGKILL"), TELLS_OF_LOAD)),
    Cell("load", "cancelled", Fault(NEW, MMAP, A_WHILE), meanwhile=cancel, status=("cancelled",)),
    Cell("load", "the tool is killed", Fault(NEW, MMAP, A_WHILE), meanwhile=kill_client,
         status=DONE),
    Cell("load", "libvirtd restarts", Fault(NEW, MMAP, A_WHILE), meanwhile=restart_libvirt,
         status=DONE),
    Cell("load", "the process is killed from outside", Fault(NEW, MMAP, A_WHILE),
         meanwhile=kill_vmm),

    # The last call before the entry.
    Cell("resume", "killed before the entry", Fault(NEW, "KVM_KVMCLOCK_CTRL", killed("SIGKILL"))),
    Cell("resume", "crashes before the entry", Fault(NEW, "KVM_KVMCLOCK_CTRL", killed("SIGSEGV"))),
    Cell("resume", "killed with one vCPU ready",
         Fault(NEW, "KVM_KVMCLOCK_CTRL", killed("SIGKILL"), 2)),
    Cell("resume", "hangs before the entry", Fault(NEW, "KVM_KVMCLOCK_CTRL", HANGS)),
    Cell("resume", "ends before the entry", Fault(NEW, "KVM_KVMCLOCK_CTRL", EXITS)),
    Cell("resume", "the guest cannot be told of its pause",
         Fault(NEW, "KVM_KVMCLOCK_CTRL", error("EIO")), status=DONE),
    Cell("resume", "cancelled", Fault(NEW, "KVM_KVMCLOCK_CTRL", A_WHILE), meanwhile=cancel,
         status=("cancelled",)),
]

# Of a guest whose two disks are in a container each, of RANGES DMA ranges.
RANGES = 3
CELLS_OF_TWO_CONTAINERS = [
    Cell("save", "container 2 of 2 refuses UNMAP",
         Fault(OLD, "VFIO_IOMMU_UNMAP_DMA", error("EINVAL"), 2)),
    Cell("save", "container 2 of 2 is not able",
         Fault(OLD, "VFIO_CHECK_EXTENSION", error("EIO"), 3)),
    Cell("load", "last claim in container 1 of 2 fails",
         Fault(NEW, "VFIO_IOMMU_MAP_DMA", error("ENOMEM"), RANGES), says="VFIO container 0"),
    Cell("load", "first claim in container 2 of 2 fails",
         Fault(NEW, "VFIO_IOMMU_MAP_DMA", error("ENOMEM"), RANGES + 1), says="VFIO container 1"),
    Cell("load", "killed at a claim in container 2 of 2",
         Fault(NEW, "VFIO_IOMMU_MAP_DMA", killed("SIGKILL"), RANGES + 2)),
]


class VmmMatrix(Matrix):
    """The guest on cpr-vmm; each of its disks is in a VFIO container of its own."""

    def __init__(self, l1, disks=1):
        self.disks = disks
        names = [f"nvme{disk}n1" for disk in range(disks)]
        devices = NVME_DEVICES[:disks]
        guest = Domain(l1, emulator_within_limits(), name=f"guest-{disks}", vcpus=2,
                       jobs=[f"io@{name}" for name in names], devices=devices,
                       environment=ENVIRONMENT)
        super().__init__(guest, (VMM, NEXT_VMM), names, LONGEST_FAILURE_NS, devices)

    def before_start(self):
        """As if the kernel did not let a second group into the first one's container."""
        self.injector.arm(Fault(OLD, "VFIO_GROUP_SET_CONTAINER", error("EINVAL"), 2),
                          self.program(OLD))

    def after_start(self):
        links = [os.readlink(fd) for fd in pathlib.Path(f"/proc/{self.guest.pid()}/fd").iterdir()]
        self.l1.require(links.count("/dev/vfio/vfio") == self.disks,
                        f"the guest does not have {self.disks} containers: {links}")


def run(l1):
    """All cells, or in the short form some of each phase."""
    # short ones, as far as the emulated machine allows
    set_deadlines({name: value * l1.slow for name, value in DEADLINES_MS.items()})
    step = SHORT_STEP if l1.short else 1
    run_matrices(l1, [(lambda: VmmMatrix(l1), CELLS[::step]),
                      (lambda: VmmMatrix(l1, 2), CELLS_OF_TWO_CONTAINERS[::step])])
