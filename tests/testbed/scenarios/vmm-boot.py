# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stock Debian kernel boots on cpr-vmm to user space, with ACPI, and powers off."""

import re

from lib.domain import EMULATOR, Domain

MEMORY_MIB = 8192
TIMEOUT_S = 300


def check_guest(l1, guest, vcpus, memory_mib):
    """The guest has what the domain says, and found it through ACPI."""
    status, lines = guest.console.command("nproc; grep MemTotal /proc/meminfo")
    l1.require(status == 0, "the guest's shell does not work")
    numbers = [int(re.search(r"\d+", line).group()) for line in lines[:2]]
    l1.require(numbers[0] == vcpus, f"the guest has {numbers[0]} CPUs instead of {vcpus}")
    l1.require(numbers[1] > memory_mib * 1024 * 0.85,
               f"the guest has {numbers[1]} KiB of {memory_mib} MiB")
    _, lines = guest.console.command("ls -1 /sys/firmware/acpi/tables; cat /proc/cmdline")
    for table in ("APIC", "MCFG", "FACP", "DSDT"):
        l1.require(table in lines, f"the guest has no ACPI table {table}")
    l1.require("acpi=off" not in " ".join(lines), "the guest runs without ACPI")
    _, lines = guest.console.command("ls -1 /sys/bus/pci/devices; hwclock -u; cat /proc/interrupts")
    for line in lines:
        l1.log(line)


def boot(l1, vcpus, memory_mib):
    """One boot, ended by the guest itself."""
    guest = Domain(l1, EMULATOR, name=f"boot{vcpus}", vcpus=vcpus, memory_mib=memory_mib,
                   devices=())
    guest.start()
    check_guest(l1, guest, vcpus, memory_mib)
    guest.require_no_complaints()
    guest.console.send("poweroff -f")
    guest.wait_for_state("shut off")


def run(l1):
    """The smallest guest, and one with eight CPUs and memory on both sides of the 4 GiB line."""
    boot(l1, 1, 512)
    boot(l1, 8, 5120)
