# SPDX-License-Identifier: LGPL-2.1-or-later
"""What scripts/demo --qemu shows: `virsh update-in-place` on a guest of stock QEMU with disk, network and console."""

from lib import qemu
from lib.domain import Domain
from lib.pinger import Pinger
from lib.update import EMULATORS_TOOL, FRONT_END, Update, job, require_each_tick_once, ticks, usual_gap_ns

TIMEOUT_S = 240
QEMU_BACKEND = True
IN_CONTAINER = True


def run(l1):
    """To another file of QEMU's, as a package upgrade leaves it, while the guest works."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda", "ticker"], devices=(),
                   shared_memory=False, virtio=[qemu.disk(l1, "vda"), qemu.network(l1)])
    guest.start()
    qemu.set_up_network(guest)
    before = guest.wait_for_io(200, job="io-vda")
    usual_gap = usual_gap_ns(guest.console)
    pinger = Pinger(qemu.GUEST_ADDRESS)
    l1.sleep(2)

    l1.run(EMULATORS_TOOL, "set", qemu.EMULATOR.name, qemu.NEXT_QEMU)
    update = Update(guest, command=(FRONT_END, "update-in-place"))
    l1.require(update.job["new"]["binary"] == str(qemu.NEXT_QEMU), "another binary was taken")

    after = guest.wait_for_io(200, job="io-vda")
    l1.sleep(2)
    slowest = pinger.stop()
    outside = pinger.lost_outside(update.pause)
    update.require_pause_seen_outside(usual_gap)
    require_each_tick_once(l1, guest.console)
    l1.require(not outside, f"pings were lost while the guest ran: {outside}")
    guest.require_no_complaints()
    _, errors, _ = guest.io_counts(job="io-vda")
    l1.report_table([
        *((f"QEMU {when}", f"{update.job[which]['version']}, {update.job[which]['binary']}")
          for when, which in (("before", "old"), ("after", "new"))),
        ("pause", f"{update.pause['total-ns'] / 1e6:.1f} ms"),
        ("pause seen on the console", f"{update.observed_gap_ns() / 1e6:.1f} ms between two ticks "
                                      f"(usually up to {usual_gap / 1e6:.1f} ms)"),
        ("ticks on the console", f"{len(ticks(guest.console))}, each once"),
        ("pings", f"{len(pinger.sent)}, {len(pinger.lost)} lost around the pause; the slowest took {slowest * 1000:.0f} ms"),
        ("disk requests before the update", before),
        ("disk requests after the update", f"{after}, verified, {errors} errors"),
        ("updates of this guest", job(guest)["generation"]),
    ])
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
