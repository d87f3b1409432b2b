# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands on a passed-through disk during an update, as the disk saw them."""

from .trace import Clock, Commands


def require_commands_kept(l1, update, at_least):
    """So many commands were outstanding when the guest stopped, and each was done once."""
    trace = l1.trace()
    commands = Commands(trace)
    clock = Clock(trace, update.first_mark, update.last_mark)
    stopped = clock.to_trace(update.pause["stopped-at-ns"])
    running = clock.to_trace(update.pause["running-at-ns"])
    outstanding = commands.outstanding_at(stopped)
    l1.log(f"{outstanding} commands were outstanding when the guest stopped, "
           f"{commands.outstanding_at(running)} when it ran again")
    l1.require(outstanding >= at_least,
               f"only {outstanding} commands were outstanding when the guest stopped")
    l1.require(not commands.wrong, f"commands were done twice: {commands.wrong[:3]}")
    lost = [begin for begin in commands.unfinished.values() if begin < running]
    l1.require(not lost, f"{len(lost)} commands of before the update never completed")
