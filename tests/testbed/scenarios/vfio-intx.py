# SPDX-License-Identifier: LGPL-2.1-or-later
"""Three disks that share one INTx line do I/O through updates."""

from lib.domain import EMULATOR, Domain
from lib.trace import NVME_DEVICES, SATA_DEVICES
from lib.update import NEXT_VMM, VMM, Update

TIMEOUT_S = 400
# An INTx that is lost stays masked for ever: one request at a time would do. Several keep the line
# busy, so that updates meet it in all of its states.
NVME_IOPS = 60
DEPTH = 4
SHORT_UPDATES = 2
DEVICES = (NVME_DEVICES[0], NVME_DEVICES[1], SATA_DEVICES[0])
JOBS = ("io-nvme0n1", "io-nvme1n1", "io-sda")
NAMES = ("nvme0q0", "nvme1q0", "ahci")


def line_of(guest):
    """(number of interrupts, text) of the line that all share."""
    _, lines = guest.console.command("cat /proc/interrupts")
    found = [line for line in lines if any(name in line for name in NAMES)]
    guest.l1.require(len(found) == 1 and all(name in found[0] for name in NAMES)
                     and "IO-APIC" in found[0],
                     f"the disks do not share one line of the I/O APIC: {found}")
    return sum(int(field) for field in found[0].split()[1:2]), found[0]


def run(l1):
    """Five updates, or two."""
    guest = Domain(l1, EMULATOR, jobs=[f"io@{job.removeprefix('io-')}" for job in JOBS] + ["ticker"],
                   options=f"pci=nomsi cpr.depth={DEPTH}", devices=DEVICES)
    guest.start()
    for job in JOBS:
        guest.wait_for_io(20, job=job)
    count, text = line_of(guest)
    l1.log(text)
    for binary in (NEXT_VMM, VMM, NEXT_VMM, VMM, NEXT_VMM)[:SHORT_UPDATES if l1.short else None]:
        update = Update(guest, binary)
        update.require_all_untouched(*DEVICES)
        l1.log(update.describe_pause())
        for job in JOBS:
            guest.wait_for_io(60, job=job)
        before, (count, text) = count, line_of(guest)
        l1.require(count > before + 60, f"only {count - before} interrupts came")
        l1.log(text)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
