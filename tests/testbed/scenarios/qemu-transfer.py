# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of stock QEMU with libvirt's default memory is updated by a hand-over to a second QEMU."""

from lib import qemu
from lib.domain import Domain
from lib.libvirt_view import LibvirtView
from lib.update import TOOL, Update, job, require_each_tick_once, usual_gap_ns

TIMEOUT_S = 300
QEMU_BACKEND = True
IN_CONTAINER = True


def run(l1):
    """There and back, while it writes to its disk and prints."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda", "ticker"], devices=(),
                   shared_memory=False, virtio=[qemu.disk(l1, "vda")])
    guest.start()
    guest.wait_for_io(100, job="io-vda")
    usual_gap = usual_gap_ns(guest.console)
    job(guest)  # the first command of ours is noted in `dominfo` (custom-monitor)
    view = LibvirtView(guest)
    for binary in (qemu.NEXT_QEMU, qemu.STOCK_QEMU):
        update = Update(guest, str(binary))
        guest.wait_for_io(100, job="io-vda")
        update.require_pause_seen_outside(usual_gap)
        LibvirtView(guest).require_same_as(view)
        qemu.require_described_states(guest)
    guest.virsh("suspend")
    l1.run(TOOL, guest.name, qemu.NEXT_QEMU, timeout=90)
    l1.require(job(guest)["status"] == "completed", "a paused guest was not updated")
    l1.require(guest.state() == "paused", f"the guest is {guest.state()}")
    guest.virsh("resume")
    guest.wait_for_io(50, job="io-vda")
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
