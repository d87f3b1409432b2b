# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest is updated in place with at least 8 commands outstanding on its passed-through disk."""

from lib.domain import EMULATOR, NVME_TIMEOUT_S, Domain
from lib.outstanding import require_commands_kept
from lib.update import NEXT_VMM, VMM, Update, holdings, require_each_tick_once, usual_gap_ns

TIMEOUT_S = 300
TRACE_IO = True
# Slower than the guest asks, so that its requests are outstanding at every moment: also when the
# guest was not scheduled for half a second.
NVME_IOPS = 30
DEPTH = 24
OUTSTANDING = 8


def run(l1):
    """Update by the tool, from the first build to the second, and back."""
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io", "ticker"], options=f"cpr.depth={DEPTH}")
    guest.start()
    before = guest.wait_for_io(100)
    usual_gap = usual_gap_ns(guest.console)
    for holding in holdings(guest):
        l1.log(holding)
    for binary in (NEXT_VMM, VMM):
        update = Update(guest, binary)
        l1.require(update.job["old"]["version"] != update.job["new"]["version"],
                   f"both builds have version {update.job['new']['version']}")
        after = guest.wait_for_io(NVME_TIMEOUT_S * NVME_IOPS)
        l1.log(f"requests before {before}, after {after}")
        update.require_device_untouched()
        update.require_pause_seen_outside(usual_gap)
        require_commands_kept(l1, update, OUTSTANDING)
        before = after
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    for holding in holdings(guest):
        l1.log(holding)
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
