# SPDX-License-Identifier: LGPL-2.1-or-later
"""The testbed itself: a guest of stock QEMU does verified I/O on a passed-through NVMe disk."""

from lib.domain import QEMU, Domain

STOCK_QEMU = True


def run(l1):
    """Boot, do I/O, power off by the ACPI button; the outside trace shows the controller's life."""
    begin, _, _ = l1.mark()
    guest = Domain(l1, QEMU, vcpus=2, jobs=["io", "ticker", "smp"])
    guest.start()
    guest.wait_for_io(200)
    status, lines = guest.console.command("cat /proc/interrupts")
    l1.require(status == 0 and any("nvme" in line for line in lines),
               "the guest has no interrupts of the disk")
    for line in lines:
        l1.log(line)
    guest.require_no_complaints()
    middle, _, _ = l1.mark()
    l1.require(l1.trace_between(begin, middle).nvme_control(),
               "the trace does not show that the controller was switched on")
    guest.wait_for_io(50)
    quiet, _, _ = l1.mark()
    control = l1.trace_between(middle, quiet).nvme_control()
    l1.require(not control, f"the controller was touched in quiet operation: {control}")
    guest.virsh("shutdown")
    guest.console.wait_for("^GUEST POWER BUTTON", 30)
    guest.wait_for_state("shut off")
