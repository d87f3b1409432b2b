# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of stock QEMU is handed over to a second QEMU with a passed-through disk at work."""

import pathlib

from lib import qemu
from lib.domain import NVME_TIMEOUT_S, Domain
from lib.outstanding import require_commands_kept
from lib.update import TOOL, Update, job, require_each_tick_once, usual_gap_ns

TIMEOUT_S = 300
QEMU_BACKEND = True
TRACE_IO = True
# Slower than the guest asks, so that its requests are outstanding at every moment.
NVME_IOPS = 30
DEPTH = 24
OUTSTANDING = 8
OLDER_EMULATOR = pathlib.Path("/usr/bin/virt-cpr-older-qemu")


def require_too_old_refused(l1):
    """A QEMU that cannot hand VFIO devices over."""
    qemu.add_emulator(l1, OLDER_EMULATOR, qemu.OLDER_QEMU)
    guest = Domain(l1, OLDER_EMULATOR, name="older", shared_memory=False)
    guest.start(ready=False)
    l1.run(TOOL, "--check", guest.name, qemu.STOCK_QEMU, check=False, timeout=90)
    found = [blocker["id"] for blocker in job(guest)["blockers"]]
    l1.require(found == ["qemu-too-old"], f"the blockers are {found}")
    guest.virsh("destroy")


def run(l1):
    """There and back: DMA goes on, no interrupt is lost, the device is not touched."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io", "ticker"],
                   options=f"cpr.depth={DEPTH}", shared_memory=False)
    guest.start()
    guest.wait_for_io(100)
    usual_gap = usual_gap_ns(guest.console)
    for binary in (qemu.NEXT_QEMU, qemu.STOCK_QEMU):
        update = Update(guest, str(binary))
        guest.wait_for_io(NVME_TIMEOUT_S * NVME_IOPS)
        update.require_device_untouched()
        update.require_pause_seen_outside(usual_gap)
        require_commands_kept(l1, update, OUTSTANDING)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("destroy")
    require_too_old_refused(l1)
