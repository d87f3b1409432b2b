# SPDX-License-Identifier: LGPL-2.1-or-later
"""Four vCPUs, each with a counter and a timer, go on through updates; time never goes back."""

import re

from lib.domain import EMULATOR, Domain
from lib.update import NEXT_VMM, VMM, Update

TIMEOUT_S = 300
VCPUS = 4
SHORT_UPDATES = 1
LINE = r"^smp backwards (\d+) gap-ms (\d+)((?: cpu\d+ \d+/\d+)+)$"


def counts(guest):
    """(times backwards, longest gap in ms, [(counter, timers) of each CPU]) of the next line."""
    found, _, _ = guest.console.wait_for(LINE, 15, guest.console.position())
    cpus = [(int(a), int(b)) for a, b in re.findall(r"cpu\d+ (\d+)/(\d+)", found.group(3))]
    return int(found.group(1)), int(found.group(2)), cpus


def require_progress(l1, guest, before):
    """Each CPU counts, and each CPU's timer comes, soon."""
    def all_moved():
        backwards, _, cpus = counts(guest)
        l1.require(backwards == 0, f"time went backwards {backwards} times")
        return cpus if all(now[0] > then[0] and now[1] > then[1] + 5
                           for now, then in zip(cpus, before)) else None
    return l1.wait_until(all_moved, 30, f"all CPUs to go on from {before}")


def run(l1):
    """Three updates, or one."""
    # No ticks: with four vCPUs on L1's one processor, the one that serves the serial line's
    # interrupts has time for little else.
    guest = Domain(l1, EMULATOR, vcpus=VCPUS, jobs=["smp"])
    guest.start()
    backwards, _, cpus = counts(guest)
    l1.require(len(cpus) == VCPUS and backwards == 0, f"{len(cpus)} CPUs, {backwards} backwards")
    cpus = require_progress(l1, guest, cpus)
    for binary in (NEXT_VMM, VMM, NEXT_VMM)[:SHORT_UPDATES if l1.short else None]:
        update = Update(guest, binary)
        l1.log(update.describe_pause())
        cpus = require_progress(l1, guest, counts(guest)[2])
        cpus = require_progress(l1, guest, cpus)
    status, lines = guest.console.command("nproc; cat /sys/devices/system/cpu/online; "
                                          "cat /sys/devices/system/clocksource/*/current_clocksource")
    l1.require(status == 0 and lines[0] == str(VCPUS), f"CPUs were lost: {lines}")
    l1.log(f"clock source: {lines}")
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
