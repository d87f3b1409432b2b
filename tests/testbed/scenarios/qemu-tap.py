# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of stock QEMU answers pings on its tap device, of several queues, over updates and failed ones."""

import pathlib
import shutil

from lib import qemu
from lib.domain import Domain
from lib.l1 import FILES
from lib.pinger import Pinger
from lib.update import TOOL, job

TIMEOUT_S = 300
QEMU_BACKEND = True
IN_CONTAINER = True
QUEUES = 2


def pinged_failure(guest):
    """A new QEMU that fails at the load has built its network by then, on the same tap device: of each
    queue it may have taken a packet, and no more."""
    l1 = guest.l1
    binary = shutil.copy(FILES / "impostor", pathlib.Path("/run/qemu-lacks-disk"))
    pinger = Pinger(qemu.GUEST_ADDRESS)
    l1.sleep(1)
    l1.run(TOOL, guest.name, binary, check=False, timeout=90)
    last = job(guest)
    l1.require(last["status"] == "rolled-back", f"the update ended as {last['status']}")
    l1.sleep(1)
    pinger.stop()
    outside = pinger.lost_outside(last["pause"], QUEUES)
    l1.require(len(outside) <= QUEUES, f"pings were lost while the guest ran: {outside}")


def run(l1):
    """What comes while the guest stands still waits in the tap device's queue."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda"], devices=(),
                   shared_memory=False, virtio=[qemu.disk(l1, "vda"), qemu.network(l1, queues=QUEUES)])
    guest.start()
    qemu.set_up_network(guest)
    for binary in (qemu.NEXT_QEMU, qemu.STOCK_QEMU):
        pinged_failure(guest)
        qemu.pinged_update(guest, binary, QUEUES)
        guest.wait_for_io(50, job="io-vda")
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
