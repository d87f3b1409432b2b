# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of stock QEMU with a passed-through disk at work is updated in its process, and brought back."""

import pathlib
import shutil

from lib import qemu
from lib.domain import NVME_TIMEOUT_S, Domain
from lib.faults import ENVIRONMENT, Fault, Injector, killed
from lib.l1 import FILES
from lib.libvirt_view import LibvirtView
from lib.matrix import NEW
from lib.outstanding import require_commands_kept
from lib.update import TOOL, Update, job, require_each_tick_once, usual_gap_ns

TIMEOUT_S = 500
QEMU_BACKEND = True
TRACE_IO = True
# Slower than the guest asks, so that its requests are outstanding at every moment.
NVME_IOPS = 30
DEPTH = 24
OUTSTANDING = 8
# The vCPUs' threads are others; libvirt asks for them when its daemon starts.
STALE = ("vcpuinfo",)
# In the midst of the claims: some ranges are the dead QEMU's then, and some nobody's.
MIDDLE_CLAIM = 4


def failed_update(guest, binary, fault=None):
    """It fails after the exec; the guest and its device are kept."""
    l1 = guest.l1
    injector = Injector(l1.slow)
    if fault:
        injector.arm(fault, pathlib.Path(binary).name)
    first, _, _ = l1.mark()
    l1.run(TOOL, guest.name, binary, check=False, timeout=120)
    last = job(guest)
    l1.log(f"job: {last}")
    l1.require(not fault or injector.fired(), "the fault was never reached")
    injector.disarm()
    l1.require(last["status"] == "rolled-back", f"the update ended as {last['status']}: {last.get('error')}")
    l1.require(guest.state() == "running", "the guest does not run")
    guest.wait_for_io(NVME_TIMEOUT_S * NVME_IOPS)
    trace = l1.trace_between(first, l1.mark()[0])
    l1.require(not trace.nvme_control(), "the controller was touched")
    l1.report(f"{last['error']['desc']}: rolled back, {last['pause']['total-ns'] / 1e6:.1f} ms")


def run(l1):
    """There and back, failures, and there again."""
    qemu.set_up(l1, mode="exec")
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io", "ticker"],
                   options=f"cpr.depth={DEPTH}", shared_memory=False, environment=ENVIRONMENT)
    guest.start()
    guest.wait_for_io(100)
    usual_gap = usual_gap_ns(guest.console)
    job(guest)
    view = LibvirtView(guest, but=STALE)
    for binary in (qemu.NEXT_QEMU, qemu.STOCK_QEMU):
        update = Update(guest, str(binary))
        l1.require(update.job["mode"] == "exec", f"the mode was {update.job['mode']}")
        l1.report(f"pause {update.describe_pause()}")
        guest.wait_for_io(NVME_TIMEOUT_S * NVME_IOPS)
        update.require_device_untouched()
        update.require_pause_seen_outside(usual_gap)
        require_commands_kept(l1, update, OUTSTANDING)
        LibvirtView(guest, but=STALE).require_same_as(view)
    impostor = shutil.copy(FILES / "impostor", pathlib.Path("/run/qemu-lacks-serial"))
    for binary, fault in ((qemu.NEXT_QEMU, Fault(NEW, "VFIO_IOMMU_MAP_DMA", killed("SIGKILL"), MIDDLE_CLAIM)),
                          (impostor, None)):
        failed_update(guest, str(binary), fault)
        update = Update(guest, str(qemu.NEXT_QEMU))
        guest.wait_for_io(NVME_TIMEOUT_S * NVME_IOPS)
        update.require_device_untouched()
        Update(guest, str(qemu.STOCK_QEMU))
        guest.wait_for_io(20)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("destroy")
