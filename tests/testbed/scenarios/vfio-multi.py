# SPDX-License-Identifier: LGPL-2.1-or-later
"""Four disks, two of them in one IOMMU group, through updates and resets directly after them."""

from lib.domain import EMULATOR, READY, Domain
from lib.trace import NVME_DEVICES, SATA_DEVICES
from lib.update import NEXT_VMM, VMM, Update

TIMEOUT_S = 500
NVME_IOPS = 40
DEVICES = NVME_DEVICES + SATA_DEVICES
DISKS = ("nvme0n1", "nvme1n1", "sda", "sdb")


def iommu_groups(l1):
    """The IOMMU groups of the devices."""
    lines = l1.run("readlink", *(f"/sys/bus/pci/devices/0000:{device}/iommu_group"
                                 for device in DEVICES)).stdout.split()
    return [line.rsplit("/", 1)[1] for line in lines]


def wait_for_all(guest, requests=30):
    """All disks work."""
    for disk in DISKS:
        guest.wait_for_io(requests, job=f"io-{disk}")


def update(guest, binary):
    """An update that touches none of the devices, under I/O on all of them."""
    done = Update(guest, binary)
    done.require_all_untouched(*DEVICES)
    guest.l1.log(done.describe_pause())


def run(l1):
    """Updates; a reset of the machine and one of a function directly after one each."""
    groups = iommu_groups(l1)
    l1.log(f"IOMMU groups: {groups}")
    l1.require(len(set(groups)) == 3 and groups[2] == groups[3],
               f"the devices are in the groups {groups}")
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=[f"io@{disk}" for disk in DISKS],
                   options="cpr.depth=4", devices=DEVICES)
    guest.start()
    wait_for_all(guest)
    update(guest, NEXT_VMM)
    wait_for_all(guest)

    update(guest, VMM)
    position = guest.console.position()
    guest.virsh("reset")
    guest.console.wait_for(READY, 90, position)
    l1.log("the guest has booted again")
    wait_for_all(guest)

    update(guest, NEXT_VMM)
    trace = l1.mark()
    status, lines = guest.console.command(
        "for f in /sys/bus/pci/drivers/nvme/0000:*; do "
        "cat $f/reset_method; echo flr >$f/reset_method; echo 1 >$f/reset || exit 1; done", 60)
    l1.require(status == 0, f"the NVMe disks cannot be reset: {lines[:3]}")
    resets = l1.trace_between(trace[0], l1.mark()[0]).resets("nvme")
    l1.require(len(resets) >= 2, f"the reset did not reach the devices: {resets}")
    wait_for_all(guest)
    update(guest, VMM)
    wait_for_all(guest)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
