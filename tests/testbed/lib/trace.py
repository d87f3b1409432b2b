# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the trace that L1's QEMU writes: what happened to the devices, seen from outside."""

import collections
import datetime
import re

# PCI addresses in L1; tests/testbed/runner/machine.py puts the devices there.
NVME_DEVICES = ("00:05.0", "00:06.0")
E1000E_DEVICE = "00:07.0"
EDU_DEVICE = "00:08.0"

LINE = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]+Z) (\w+) (.*)$")
CONFIG_WRITE = re.compile(r"^\S+ (\w\w:\w\w\.\w) @0x(\w+) <- 0x(\w+)$")
MARK_REGISTER = 0x3C

# An NVMe controller was switched on, off or shut down, or reset by the bus.
NVME_CONTROL_EVENTS = ("pci_nvme_mmio_cfg", "pci_nvme_mmio_start_success", "pci_nvme_mmio_stopped",
                       "pci_nvme_mmio_shutdown_set", "pci_nvme_mmio_shutdown_cleared")

Event = collections.namedtuple("Event", "time name text")  # time in seconds, the host's wall clock


def parse_line(line):
    """The event of a line, or None."""
    found = LINE.match(line)
    if not found:
        return None
    stamp = datetime.datetime.fromisoformat(found.group(1).replace("Z", "+00:00"))
    return Event(stamp.timestamp(), found.group(2), found.group(3))


class Trace:
    """A parsed trace, or a part of one."""

    def __init__(self, events):
        self.events = events

    @classmethod
    def parse(cls, text):
        """Parse the text of the trace file; other output of QEMU in it is passed over."""
        events = (parse_line(line) for line in text.splitlines())
        return cls([event for event in events if event is not None])

    def mark_index(self, mark):
        """Where the mark is, or None if it has not been written yet."""
        wanted = f"{EDU_DEVICE} @0x{MARK_REGISTER:x} <- 0x{mark:x}"
        for index, event in enumerate(self.events):
            if event.name == "pci_cfg_write" and event.text.endswith(wanted):
                return index
        return None

    def between(self, first, last):
        """The part between two marks."""
        return Trace(self.events[self.mark_index(first) + 1:self.mark_index(last)])

    def nvme_control(self):
        """Events that switch, stop, shut down or reset an NVMe controller."""
        return [event for event in self.events
                if event.name in NVME_CONTROL_EVENTS
                or (event.name == "resettable_phase_hold_exec" and "(nvme)" in event.text)]

    def config_writes(self, device):
        """Writes to the configuration space of the device at that address."""
        writes = []
        for event in self.events:
            found = CONFIG_WRITE.match(event.text) if event.name == "pci_cfg_write" else None
            if found and found.group(1) == device:
                writes.append(event)
        return writes
