# SPDX-License-Identifier: LGPL-2.1-or-later
"""Twenty updates in a row under I/O leak nothing, and no line of the console is lost."""

from lib.domain import EMULATOR, NVME_TIMEOUT_S, Domain
from lib.update import NEXT_VMM, VMM, Update, holdings, require_each_tick_once

TIMEOUT_S = 600
UPDATES = 20
# In the short form.
FEW_UPDATES = 6
# The first pair of updates may still fill caches; a leak shows from there to the last pair.
SETTLED = 2
MEMORY_SLACK_KIB = 1024


def require_no_leak(l1, name, updates, before, after):
    """The counts of the same process after few and after many updates, on the same binary."""
    l1.log(f"{name} after {SETTLED}: {before}")
    l1.log(f"{name} after {updates}: {after}")
    l1.require(after.descriptor_count() <= before.descriptor_count(),
               f"{name} leaks descriptors: {after.gained(before)}")
    l1.require(after.threads <= before.threads,
               f"{name} has {after.threads} threads instead of {before.threads}")
    grown = after.kib("RssAnon") - before.kib("RssAnon")
    l1.require(grown <= MEMORY_SLACK_KIB, f"{name} has grown by {grown} KiB")
    l1.require(after.kib("VmLck") <= before.kib("VmLck"), f"{name} leaks locked memory")
    l1.require(after.mappings <= before.mappings + 4,
               f"{name} has {after.mappings} mappings instead of {before.mappings}")


def run(l1):
    """Alternate between two builds."""
    updates = FEW_UPDATES if l1.short else UPDATES
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io", "ticker"])
    guest.start()
    guest.wait_for_io(100)
    settled = None
    for number in range(1, updates + 1):
        update = Update(guest, NEXT_VMM if number % 2 else VMM)
        update.require_device_untouched()
        l1.log(f"update {number}: {update.describe_pause()}")
        guest.wait_for_io(20)
        if number == SETTLED:
            settled = holdings(guest)
    last = holdings(guest)
    for name, before, after in zip(("VMM", "controller"), settled, last):
        require_no_leak(l1, name, updates, before, after)
    # long enough for a lost interrupt to show
    guest.console.wait_for("^tick", 10, guest.console.position())
    l1.sleep(NVME_TIMEOUT_S + 2)
    guest.wait_for_io(20)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
