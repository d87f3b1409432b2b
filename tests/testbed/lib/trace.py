# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the trace that L1's QEMU writes: what happened to the devices, seen from outside."""

import collections
import datetime
import re

# PCI addresses in L1; tests/testbed/runner/machine.py puts the devices there.
NVME_DEVICES = ("00:05.0", "00:06.0")
E1000E_DEVICE = "00:07.0"
EDU_DEVICE = "00:08.0"
SATA_DEVICES = ("00:09.0", "00:09.1")

LINE = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]+Z) (\w+) (.*)$")
CONFIG_WRITE = re.compile(r"^\S+ (\w\w:\w\w\.\w) @0x(\w+) <- 0x(\w+)$")
MARK_REGISTER = 0x3C
COMMAND_REGISTER = 0x04
INTX_DISABLE = 0x400

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
        """Where the mark was written last, or None if it has not been yet. L1's kernel writes to the
        register, too, when it starts."""
        wanted = f"{EDU_DEVICE} @0x{MARK_REGISTER:x} <- 0x{mark:x}"
        for index, event in reversed(list(enumerate(self.events))):
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


    def reconfigurations(self, device):
        """Writes to the device's configuration space but those by which a host's kernel masks and
        unmasks INTx: of the command register, with nothing else changed."""
        writes = [(int(found.group(2), 16), int(found.group(3), 16), event)
                  for event in self.config_writes(device)
                  for found in [CONFIG_WRITE.match(event.text)]]
        commands = {value & 0xffff & ~INTX_DISABLE for offset, value, _ in writes
                    if offset == COMMAND_REGISTER}
        return [event for offset, _, event in writes
                if offset != COMMAND_REGISTER or len(commands) > 1]

    def resets(self, kind):
        """Resets of devices of that type, and of ports of SATA controllers."""
        return [event for event in self.events
                if (event.name == "resettable_phase_hold_exec" and f"({kind})" in event.text)
                or event.name == "ahci_reset_port"]


IO_COMMAND = re.compile(r"cid (\d+) nsid 0x\w+ sqid (\d+) opc")
IO_COMPLETION = re.compile(r"cid (\d+) cqid (\d+) ")


class Commands:
    """The I/O commands of a trace (scenarios with TRACE_IO). Submission and completion queues are
    in pairs of the same number, as Linux makes them; queue 0 is the administration's."""

    def __init__(self, trace):
        self.spans = []  # (queue, submitted, completed or None)
        self.wrong = []  # completions of nothing
        outstanding = {}
        for event in trace.events:
            if event.name == "pci_nvme_io_cmd":
                cid, queue = IO_COMMAND.search(event.text).groups()
                self.check_free(outstanding, (queue, cid), event)
                outstanding[queue, cid] = event.time
            elif event.name == "pci_nvme_enqueue_req_completion":
                cid, queue = IO_COMPLETION.search(event.text).groups()
                if queue == "0":
                    continue
                submitted = outstanding.pop((queue, cid), None)
                if submitted is None:
                    self.wrong.append(event)
                else:
                    self.spans.append((queue, submitted, event.time))
        self.unfinished = outstanding
        self.spans += [(queue, begin, None) for (queue, _), begin in outstanding.items()]

    def check_free(self, outstanding, key, event):
        """A command identifier may not be used again before its command has completed."""
        if key in outstanding:
            self.wrong.append(event)

    def outstanding_at(self, time):
        """Number of commands that the device was working on at that time."""
        return sum(1 for _, begin, end in self.spans if begin <= time and (end is None or end > time))

    def submitted_between(self, first, last):
        """Number of commands that were submitted in that time."""
        return sum(1 for _, begin, _ in self.spans if first <= begin <= last)


class Clock:
    """Maps L1's CLOCK_MONOTONIC to the times of the trace, by two marks."""

    def __init__(self, trace, first_mark, last_mark):
        """Marks as L1.mark() returns them."""
        points = []
        for number, before, after in (first_mark, last_mark):
            points.append(((before + after) / 2, trace.events[trace.mark_index(number)].time))
        (self.mono, self.wall), (mono, wall) = points
        self.rate = (wall - self.wall) / (mono - self.mono)

    def to_trace(self, monotonic_ns):
        """The trace's time of a moment."""
        return self.wall + (monotonic_ns - self.mono) * self.rate
