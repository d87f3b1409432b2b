# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the guest writes to a passed-through NVMe disk is on the disk, and the other way round."""

from lib.domain import EMULATOR, Domain
from lib.pattern import fill, wrong_blocks

BLOCKS = 256
FROM_HOST = (1 << 20, 77)   # byte offset and generation
FROM_GUEST = (8 << 20, 99)


def host_prepare(run):
    """Put data on the disk before the machine has it."""
    with open(run.nvme_image(1), "wb") as stream:
        stream.truncate(64 << 20)
    offset, generation = FROM_HOST
    fill(run.nvme_image(1), offset, BLOCKS, generation)


def host_check(run):
    """The guest's data is in the backing file."""
    offset, generation = FROM_GUEST
    wrong = wrong_blocks(run.nvme_image(1), offset, BLOCKS, generation)
    return f"{len(wrong)} of {BLOCKS} blocks are not on the disk" if wrong else None


def run(l1):
    """Read the host's data and write the guest's; the disk works with MSI-X, one vector a queue."""
    guest = Domain(l1, EMULATOR, vcpus=2)
    guest.start()
    offset, generation = FROM_HOST
    status, lines = guest.console.command(
        f"ioverify check /dev/nvme0n1 {offset} {BLOCKS} {generation}", 60)
    l1.require(status == 0, f"the guest does not read what the host wrote: {lines[:3]}")
    offset, generation = FROM_GUEST
    status, lines = guest.console.command(
        f"ioverify fill /dev/nvme0n1 {offset} {BLOCKS} {generation}; sync", 60)
    l1.require(status == 0, f"the guest cannot write: {lines[:3]}")
    _, lines = guest.console.command("cat /proc/interrupts")
    vectors = [line for line in lines if "nvme0q" in line]
    for line in vectors:
        l1.log(line)
    l1.require(len(vectors) == 3 and all("PCI-MSIX" in line for line in vectors),
               f"the disk has other interrupts than MSI-X ones: {vectors}")
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
