# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of an older QEMU is handed over to a newer one, with one machine type, and on from there."""

from lib import qemu
from lib.domain import Domain
from lib.update import TOOL, Update, job, require_each_tick_once

TIMEOUT_S = 400
QEMU_BACKEND = True
IN_CONTAINER = True


def refuses_long_queues(l1):
    """The older QEMU has made virtio queues that the newer one has no room for; that is found while the
    guest runs."""
    guest = Domain(l1, qemu.EMULATOR, name="virtio", jobs=["io@vda", "ticker"], devices=(),
                   shared_memory=False, virtio=[qemu.disk(l1, "vda")])
    guest.start()
    guest.wait_for_io(20, job="io-vda")
    result = l1.run(TOOL, guest.name, qemu.STOCK_QEMU, check=False, timeout=90)
    l1.require("queue 0 of device 'virtio-disk0' has 1024 entries" in result.stderr,
               "the queues were not found")
    last = job(guest)
    l1.require(last["phase"] == "prepare" and "pause" not in last, f"the guest was stopped: {last}")
    guest.wait_for_io(20, job="io-vda")
    require_each_tick_once(l1, guest.console)
    guest.virsh("destroy")


def run(l1):
    """What libvirt calls q35 is a machine type of the version on which the guest was started."""
    qemu.set_up(l1, qemu.OLDER_QEMU)
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@sda", "ticker"], devices=(),
                   shared_memory=False, options="cpr.sata", virtio=[qemu.disk(l1, "sda", "sata")])
    guest.start()
    guest.wait_for_io(50, job="io-sda")
    first = Update(guest, str(qemu.STOCK_QEMU))
    versions = [first.job[which]["version"] for which in ("old", "new")]
    l1.report(f"from QEMU {versions[0]} to {versions[1]}: {first.describe_pause()}")
    l1.require(versions[0] != versions[1], "both are of one version")
    guest.wait_for_io(50, job="io-sda")
    Update(guest, str(qemu.NEXT_QEMU))
    guest.wait_for_io(50, job="io-sda")
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("destroy")
    refuses_long_queues(l1)
