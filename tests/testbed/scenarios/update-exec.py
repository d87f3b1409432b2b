# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest is updated in place with at least 8 commands outstanding on its passed-through disk."""

from lib.domain import EMULATOR, NVME_TIMEOUT_S, Domain
from lib.trace import Clock, Commands
from lib.update import NEXT_VMM, VMM, Update, holdings, require_each_tick_once, usual_gap_ns

TIMEOUT_S = 300
TRACE_IO = True
# Slower than the guest asks, so that its requests are outstanding at every moment: also when the
# guest was not scheduled for half a second.
NVME_IOPS = 30
DEPTH = 24
OUTSTANDING = 8


def check_commands(l1, update):
    """The commands on the device, as the device saw them."""
    trace = l1.trace()
    commands = Commands(trace)
    clock = Clock(trace, update.first_mark, update.last_mark)
    stopped = clock.to_trace(update.pause["stopped-at-ns"])
    running = clock.to_trace(update.pause["running-at-ns"])
    outstanding = commands.outstanding_at(stopped)
    l1.log(f"{outstanding} commands were outstanding when the guest stopped, "
           f"{commands.outstanding_at(running)} when it ran again")
    l1.require(outstanding >= OUTSTANDING,
               f"only {outstanding} commands were outstanding at the save")
    l1.require(not commands.wrong, f"commands were done twice: {commands.wrong[:3]}")
    lost = [begin for begin in commands.unfinished.values() if begin < running]
    l1.require(not lost, f"{len(lost)} commands of before the update never completed")


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
        check_commands(l1, update)
        before = after
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    for holding in holdings(guest):
        l1.log(holding)
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
