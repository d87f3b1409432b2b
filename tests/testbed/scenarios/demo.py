# SPDX-License-Identifier: LGPL-2.1-or-later
"""What scripts/demo shows: `virsh update-in-place` on a guest with a passed-through NVMe disk."""

import os

from lib.domain import EMULATOR, NVME_TIMEOUT_S, Domain
from lib.update import EMULATORS_TOOL, FRONT_END, NEXT_VMM, VMM, Update, job, usual_gap_ns

TIMEOUT_S = 240


def run(l1):
    """Name the second build in emulators.conf, and update to what is named there."""
    l1.run(EMULATORS_TOOL, "set", os.path.basename(EMULATOR), VMM)
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io", "ticker"])
    guest.start()
    before = guest.wait_for_io(200)
    usual_gap = usual_gap_ns(guest.console)
    pid = guest.pid()

    l1.run(EMULATORS_TOOL, "set", os.path.basename(EMULATOR), NEXT_VMM)
    update = Update(guest, command=(FRONT_END, "update-in-place"))
    l1.require(update.job["new"]["binary"] == NEXT_VMM, "another binary was taken")

    l1.sleep(NVME_TIMEOUT_S + 2)
    after = guest.wait_for_io(200)
    _, errors, slowest = guest.io_counts()
    update.require_pause_seen_outside(usual_gap)
    update.require_device_untouched()
    guest.require_no_complaints()

    pause = update.pause
    l1.report_table([
        ("version before", update.job["old"]["version"]),
        ("version after", update.job["new"]["version"]),
        ("process of the domain", f"{pid} before, {guest.pid()} after"),
        ("pause", f"{pause['total-ns'] / 1e6:.1f} ms"),
        *((f"  {part}", f"{pause[part + '-ns'] / 1e6:.1f} ms")
          for part in ("save", "exec", "load", "resume")),
        ("pause seen on the console", f"{update.observed_gap_ns() / 1e6:.1f} ms between two ticks "
                                      f"(usually up to {usual_gap / 1e6:.1f} ms)"),
        ("requests before the update", before),
        ("requests after the update", after),
        ("request errors", errors),
        ("slowest request lately", f"{slowest} ms"),
        ("resets of the NVMe controller", len(update.trace().nvme_control())),
        ("interrupts lost", len(guest.complaints())),
        ("updates of this process", job(guest)["generation"]),
    ])
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
