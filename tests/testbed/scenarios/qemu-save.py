# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of stock QEMU is saved and restored by libvirt before and after updates."""

from lib import qemu
from lib.domain import Domain
from lib.update import Update

TIMEOUT_S = 300
QEMU_BACKEND = True
IN_CONTAINER = True
FILE = "/tmp/guest.save"


def save_and_restore(guest):
    """As `virsh save` and `virsh restore` do it, to and from a file."""
    guest.wait_for_io(20, job="io-vda")
    guest.virsh("save", FILE)
    guest.l1.require(guest.state() == "shut off", "the guest was not saved")
    guest.l1.virsh("restore", FILE, "--paused")
    guest.attach_console()
    guest.virsh("resume")
    guest.wait_for_io(20, job="io-vda")


def run(l1):
    """The new QEMU goes by a dialect that this libvirt does not speak."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda"], devices=(), shared_memory=False,
                   virtio=[qemu.disk(l1, "vda")])
    guest.start()
    save_and_restore(guest)
    Update(guest, str(qemu.NEXT_QEMU))
    save_and_restore(guest)
    Update(guest, str(qemu.STOCK_QEMU))
    guest.wait_for_io(20, job="io-vda")
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
