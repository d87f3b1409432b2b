# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest whose disk uses MSI is updated with a command outstanding; drivers come and go."""

from lib.domain import EMULATOR, Domain
from lib.trace import NVME_DEVICES, SATA_DEVICES
from lib.update import NEXT_VMM, VMM, Update

TIMEOUT_S = 300
# One request at a time, and each takes as long as the guest stands still: its only request completes
# meanwhile. If that interrupt is lost, the guest waits for its driver's timeout.
NVME_IOPS = 8
UPDATES = (NEXT_VMM, VMM, NEXT_VMM)
JOB = "io-sda"


def interrupts(guest, name):
    """The lines of /proc/interrupts with that name."""
    _, lines = guest.console.command("cat /proc/interrupts")
    return [line for line in lines if name in line]


def rebind(l1, guest, driver, address):
    """Take the driver off the device and put it back."""
    status, lines = guest.console.command(
        f"echo {address} >/sys/bus/pci/drivers/{driver}/unbind && "
        f"echo {address} >/sys/bus/pci/drivers/{driver}/bind", 60)
    l1.require(status == 0, f"the driver {driver} does not come back: {lines[:3]}")


def check_nvme(l1, guest, generation):
    """The NVMe disk works, with MSI-X."""
    status, lines = guest.console.command(
        "while [ ! -e /dev/nvme0n1 ]; do sleep 0.1; done; "
        f"ioverify fill /dev/nvme0n1 0 8 {generation} && "
        f"ioverify check /dev/nvme0n1 0 8 {generation}", 60)
    l1.require(status == 0, f"the NVMe disk does not work: {lines[:3]}")
    vectors = interrupts(guest, "nvme0q")
    l1.require(vectors and all("PCI-MSIX" in line for line in vectors),
               f"the NVMe disk has other interrupts than MSI-X: {vectors}")


def run(l1):
    """Updates under I/O; after each, a driver that switches between MSI-X and INTx."""
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io@sda", "ticker"], options="cpr.depth=1",
                   devices=(SATA_DEVICES[0], SATA_DEVICES[1], NVME_DEVICES[0]))
    guest.start()
    guest.wait_for_io(10, job=JOB)
    lines = interrupts(guest, "ahci")
    l1.require(len(lines) == 2 and all("PCI-MSI" in line and "MSIX" not in line for line in lines),
               f"the SATA controllers have other interrupts than MSI: {lines}")
    for number, binary in enumerate(UPDATES, 1):
        update = Update(guest, binary)
        update.require_all_untouched(*SATA_DEVICES, NVME_DEVICES[0])
        l1.log(f"{update.describe_pause()}; {guest.wait_for_io(20, job=JOB)} requests")
        _, lines = guest.console.command("ls -l /sys/bus/pci/drivers/nvme | grep -o '0000:.*'")
        rebind(l1, guest, "nvme", lines[0].split()[0])
        check_nvme(l1, guest, number)
        guest.wait_for_io(5, job=JOB)
    guest.require_no_complaints()
    for line in interrupts(guest, "ahci"):
        l1.log(line)
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
