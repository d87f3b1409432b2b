# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of stock QEMU answers every ping on its tap device, with vhost in the kernel, over updates."""

from lib import qemu
from lib.domain import Domain

TIMEOUT_S = 300
QEMU_BACKEND = True
BY_HAND = True


def run(l1):
    """What comes while the guest stands still waits in the tap device's queue."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda"], devices=(),
                   shared_memory=False, virtio=[qemu.disk(l1, "vda"), qemu.network(l1, queues=2)])
    guest.start()
    qemu.set_up_network(guest)
    vhost = l1.run("sh", "-c", "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c vhost-net", check=False)
    l1.require(int(vhost.stdout) >= 2, "the guest's network is not on vhost")
    for binary in (qemu.NEXT_QEMU, qemu.STOCK_QEMU):
        qemu.pinged_update(guest, binary, queues=2)
        guest.wait_for_io(50, job="io-vda")
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
