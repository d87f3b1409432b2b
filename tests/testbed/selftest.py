#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unit tests of what the testbed's verdicts rest on: they must see what went wrong."""

import io
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from lib import libvirt_view, pattern, system_log, update  # noqa: E402  pylint: disable=wrong-import-position
from lib.domain import COMPLAINT  # noqa: E402  pylint: disable=wrong-import-position
from lib.metrics import Metrics  # noqa: E402  pylint: disable=wrong-import-position
from lib.trace import Clock, Commands, Trace  # noqa: E402  pylint: disable=wrong-import-position
from runner.images import Archive  # noqa: E402  pylint: disable=wrong-import-position


def stamp(second, text):
    """A line of the trace at that second."""
    return f"2026-01-02T03:04:{second:09.6f}Z {text}\n"


def submit(second, cid, queue=1):
    """A command reaches the device."""
    return stamp(second, f"pci_nvme_io_cmd cid {cid} nsid 0x1 sqid {queue} opc 0x2 opname 'READ'")


def complete(second, cid, queue=1):
    """A command completes."""
    return stamp(second, f"pci_nvme_enqueue_req_completion cid {cid} cqid {queue} dw0 0x0 dw1 0x0 "
                         "status 0x0")


def mark(second, number):
    """A mark of L1.mark()."""
    return stamp(second, f"pci_cfg_write edu 00:08.0 @0x3c <- 0x{number:x}")


VIEW = """# A page
| command | field | one | two | why |
|---|---|---|---|---|
| `vcpuinfo` | `*` | gone | as before | threads |
| `domstats` | `vcpu.*.time`, `cpu.*` | none | stands still | the same |

Of themselves:

| command | field | how | what it is |
|---|---|---|---|
| `domstats` | `cpu.time`, `vcpu.*.time` | grows | time |
| `vcpuinfo` | `*/CPU` | varies | a place |
"""


class ViewTest(unittest.TestCase):
    """What libvirt shows, before and after."""

    def test_what_becomes_of_a_field(self):
        """By its values in several looks, and by how it moves by itself."""
        for moves, before, after, kind in (
                (None, "111", "111", "as before"), (None, "111", "112", "changed"), (None, "111", "222", "changed"),
                (None, "aaa", "bbb", "changed"), (None, "111", "", "gone"), (None, "", "111", "new"),
                ("grows", "123", "456", "as before"), ("grows", "123", "444", "stands still"),
                ("grows", "124", "333", "stands still"),
                ("grows", "122", "444", "as before"), ("grows", "111", "222", "as before"),
                ("grows", "567", "123", "falls"), ("grows", "555", "444", "falls"),
                ("grows", "123", "000", "0"), ("grows", "000", "000", "as before"),
                ("varies", "010", "222", "as before"), ("varies", "123", "", "gone")):
            self.assertEqual(libvirt_view.kind_of(list(before), list(after), moves), kind, (moves, before, after))

    def contradictions(self, column, before, after):
        """By that column, of fields with a digit for each look."""
        return libvirt_view.ManualsTables(VIEW, column).contradictions(
            *({field: list(values) for field, values in fields.items()} for fields in (before, after)))

    def test_the_table_is_all_that_may_differ(self):
        """And what it names has to."""
        cpu, time, state = ("vcpuinfo", "0/CPU"), ("domstats", "cpu.time"), ("domstats", "vcpu.0.state")
        vcpu = ("domstats", "vcpu.0.time")
        self.assertEqual(self.contradictions("one", {cpu: "111", state: "111"}, {state: "111"}), [])
        self.assertEqual(self.contradictions("two", {cpu: "121", time: "123", vcpu: "123"},
                                             {cpu: "222", time: "333", vcpu: "333"}), [])
        for column, before, after, wrong in (
                ("one", {cpu: "111", state: "111"}, {state: "222"}, "vcpu.0.state: changed"),
                ("one", {cpu: "111"}, {cpu: "111"}, "vcpuinfo * is not 'gone'"),
                ("one", {cpu: "111", time: "111"}, {time: "111"}, "cpu.* is not 'none'"),
                ("one", {cpu: "111", state: "112"}, {state: "112"}, "vcpu.0.state moves by itself"),
                ("two", {time: "123"}, {time: "333"}, "vcpu.*.time is not 'stands still'"),
                ("two", {time: "123", vcpu: "123"}, {time: "333", vcpu: "123"}, "vcpu.0.time: falls")):
            found = self.contradictions(column, before, after)
            self.assertTrue(any(wrong in text for text in found), (wrong, found))

    def test_what_moves_has_to_be_there(self):
        """In some domain."""
        fields = [("domstats", "cpu.time"), ("vcpuinfo", "1/CPU")]
        self.assertEqual(libvirt_view.ManualsTables(VIEW, "one").unused(fields), {("domstats", "vcpu.*.time")})

    def test_a_table_that_says_nothing_is_no_table(self):
        """Nor one with a kind that is none."""
        for page in (VIEW.replace("gone", "as before").replace("none", "as before"), VIEW.replace("gone", "lost"),
                     VIEW.replace("| threads |", "| |"), VIEW.replace("varies", "moves")):
            with self.assertRaises(ValueError):
                libvirt_view.ManualsTables(page, "one")

    def test_fields_are_found(self):
        """In each form that virsh has."""
        xml = "<domain type='kvm'><name>g</name><devices><disk a='1'/><disk a='2'/></devices></domain>"
        self.assertEqual(libvirt_view.xml_fields(xml), {
            "@type": "kvm", "name": "g", "devices/disk@a": "1", "devices/disk.2@a": "2"})
        self.assertEqual(libvirt_view.vcpu_fields("VCPU:   0\nCPU:   1\n\nVCPU:   1\nCPU:   0\n"), {
            "0/VCPU": "0", "0/CPU": "1", "1/VCPU": "1", "1/CPU": "0"})
        self.assertEqual(libvirt_view.row_fields(" Target   Source\n-----\n vda      /a b\n\n"), {"vda": "/a b"})
        self.assertEqual(libvirt_view.EVENT.findall(
            "event 'metadata-change' for domain 'g': x\nevent STOP at 1.2 for domain 'g'\n"),
            ["metadata-change", "STOP"])


class TraceTest(unittest.TestCase):
    """Reading the outside trace."""

    def test_control_events_between_marks(self):
        """Only what happened between the marks counts; other devices' resets do not."""
        reset = "resettable_phase_hold_exec obj=0x1(nvme) method=1"
        other = "resettable_phase_hold_exec obj=0x1(nvme-bus) method=0"
        trace = Trace.parse(stamp(1, reset) + mark(2, 1) + stamp(3, other) + stamp(4, reset)
                            + stamp(5, "pci_nvme_mmio_stopped cleared controller enable bit")
                            + mark(6, 2) + stamp(7, reset))
        names = [event.name for event in trace.between(1, 2).nvme_control()]
        self.assertEqual(names, ["resettable_phase_hold_exec", "pci_nvme_mmio_stopped"])

    def test_config_writes_of_one_device(self):
        """Writes to the device's own configuration space are told from others'."""
        trace = Trace.parse(stamp(1, "pci_cfg_write nvme 00:05.0 @0x4 <- 0x7")
                            + stamp(2, "pci_cfg_write nvme 00:06.0 @0x4 <- 0x7"))
        self.assertEqual(len(trace.config_writes("00:05.0")), 1)

    def test_masking_of_intx_is_no_reconfiguration(self):
        """The kernel's own writes of the INTx disable bit are passed over, and nothing else."""
        def write(value, register="0x4"):
            return stamp(1, f"pci_cfg_write ich9-ahci 00:09.0 @{register} <- {value}")
        masking = write("0x7") + write("0x100407") + write("0x7")
        self.assertEqual(Trace.parse(masking).reconfigurations("00:09.0"), [])
        self.assertEqual(len(Trace.parse(masking + write("0x3")).reconfigurations("00:09.0")), 4)
        self.assertEqual(len(Trace.parse(masking + write("0x1", "0x82")).reconfigurations("00:09.0")),
                         1)

    def test_resets_of_sata_controllers(self):
        """Of the whole controller, and of its ports."""
        trace = Trace.parse(stamp(1, "resettable_phase_hold_exec obj=0x1(ich9-ahci) method=1")
                            + stamp(2, "ahci_reset_port ahci(0x1)[0]: reset port")
                            + stamp(3, "resettable_phase_hold_exec obj=0x1(nvme) method=1"))
        self.assertEqual(len(trace.resets("ich9-ahci")), 2)

    def test_outstanding_commands(self):
        """A command is outstanding from its submission to its completion."""
        commands = Commands(Trace.parse(submit(1, 7) + submit(2, 8) + submit(2, 7, queue=2)
                                        + complete(3, 7) + complete(9, 8)))
        start = Trace.parse(stamp(0, "x y")).events[0].time
        self.assertEqual([commands.outstanding_at(start + s) for s in (0.5, 1.5, 2.5, 4, 10)],
                         [0, 1, 3, 2, 1])
        self.assertFalse(commands.wrong)
        self.assertEqual(len(commands.unfinished), 1)

    def test_command_done_twice(self):
        """A second completion, and a second use of an identifier, are wrong."""
        self.assertTrue(Commands(Trace.parse(submit(1, 7) + complete(2, 7) + complete(3, 7))).wrong)
        self.assertTrue(Commands(Trace.parse(submit(1, 7) + submit(2, 7))).wrong)

    def test_clock(self):
        """A moment between two marks on one clock is found on the other."""
        trace = Trace.parse(mark(10, 1) + mark(20, 2))
        clock = Clock(trace, (1, 1000, 3000), (2, 11000, 13000))
        self.assertAlmostEqual(clock.to_trace(7000) - trace.events[0].time, 5)


class FakeConsole:
    """Lines with times, as the console's reader keeps them."""

    def __init__(self, lines):
        self.lines = lines

    def snapshot(self, since=0):
        """All lines."""
        return self.lines[since:]


class FakeL1:
    """Takes the verdicts."""

    @staticmethod
    def require(condition, why):
        """Fail."""
        if not condition:
            raise AssertionError(why)

    def log(self, text):
        """Say nothing."""


class TickTest(unittest.TestCase):
    """Reading the ticks on the console."""

    @staticmethod
    def console(numbers):
        """A console with these ticks, 10 ns apart, and other lines between them."""
        lines = []
        for index, number in enumerate(numbers):
            lines += [(index * 10, f"tick {number} 123"), (index * 10, "io 5 errors 0")]
        return FakeConsole(lines)

    def test_each_once(self):
        """A lost or a repeated tick is seen."""
        update.require_each_tick_once(FakeL1(), self.console(range(20)))
        for numbers in ([*range(10), *range(11, 20)], [*range(10), *range(9, 20)], range(3)):
            with self.assertRaises(AssertionError):
                update.require_each_tick_once(FakeL1(), self.console(numbers))

    def test_usual_gap(self):
        """The longest gap."""
        console = FakeConsole([(0, "tick 0 1"), (5, "tick 1 1"), (25, "tick 2 1")])
        self.assertEqual(update.usual_gap_ns(console), 20)


class ComplaintTest(unittest.TestCase):
    """Telling the guest's complaints from what else is on its console."""

    def test_complaints(self):
        """A lost interrupt, a wrong block and a dead kernel are complaints; other lines are not."""
        for line in ("[   20.1] nvme nvme0: I/O tag 5 (5005) opcode 0x2 (I/O Cmd) QID 1 timeout, "
                     "completion polled",
                     "nvme nvme0: invalid id 0 completed on queue 1",
                     "[   48.6] ata7.00: exception Emask 0x0 SAct 0x40 SErr 0x0 action 0x6 frozen",
                     "[   48.6] ata7.00: failed command: WRITE FPDMA QUEUED",
                     "ioverify: read at offset 4096, generation 2: wrong content",
                     "[   30.0] Kernel panic - not syncing: Attempted to kill init!",
                     "watchdog: BUG: soft lockup - CPU#1 stuck for 26s!"):
            self.assertRegex(line, COMPLAINT)
        for line in ("console=ttyS0 quiet panic=-1 nvme_core.io_timeout=8 cpr.job=io",
                     "ioverify: checked 256 blocks, 0 errors", "io 5 errors 0 slowest-ms 3",
                     "[    6.8] ata1.00: LPM support broken, forcing max_power"):
            self.assertNotRegex(line, COMPLAINT)


class PatternTest(unittest.TestCase):
    """The disk's content."""

    def test_wrong_block(self):
        """One changed byte makes its block wrong, and no other."""
        with tempfile.NamedTemporaryFile() as image:
            image.truncate(1 << 20)
            pattern.fill(image.name, 8192, 4, 5)
            self.assertEqual(pattern.wrong_blocks(image.name, 8192, 4, 5), [])
            self.assertEqual(len(pattern.wrong_blocks(image.name, 8192, 4, 6)), 4)
            image.seek(8192 + 4096 + 100)
            image.write(b"x")
            image.flush()
            self.assertEqual(pattern.wrong_blocks(image.name, 8192, 4, 5), [8192 + 4096])


class ArchiveTest(unittest.TestCase):
    """The initramfs format."""

    def test_layout(self):
        """Each entry begins at a multiple of four, with its folders before it."""
        stream = io.BytesIO()
        archive = Archive(stream)
        archive.add("a/b", 0o100644, b"12345")
        archive.finish()
        data = stream.getvalue()
        positions = [data.find(b"070701", at) for at in range(0, len(data), 4)
                     if data[at:at + 6] == b"070701"]
        names = [data[at + 110:data.index(b"\0", at + 110)] for at in positions]
        self.assertEqual(names, [b"a", b"a/b", b"TRAILER!!!"])


class MetricsTest(unittest.TestCase):
    """Reading metrics, and refusing what is none."""

    GAUGE = "# HELP a_b What it is.\n# TYPE a_b gauge\n"
    HISTOGRAM = ("# HELP t Times.\n# TYPE t histogram\nt_bucket{le=\"0.5\"} 1\n"
                 "t_bucket{le=\"+Inf\"} 3\nt_sum 1.5\nt_count 3\n")

    def test_samples_by_labels(self):
        """Labels are told apart whatever their order, and unescaped."""
        metrics = Metrics(self.GAUGE + 'a_b{x="1",y="a\\"b\\\\c\\nd"} 2.5e-3\n')
        self.assertEqual(metrics.value("a_b", y='a"b\\c\nd', x="1"), 0.0025)
        self.assertEqual(Metrics(self.HISTOGRAM).value("t_bucket", le="+Inf"), 3)

    def test_what_is_wrong(self):
        """Each of these is refused."""
        for text in (self.GAUGE + "a_b 1", self.GAUGE + "a_b one\n", "a_b 1\n", self.GAUGE + "c 1\n",
                     self.GAUGE + "a_b 1\na_b 2\n", self.GAUGE + 'a_b{x="\\t"} 1\n',
                     self.GAUGE + 'a_b{x="1" y="2"} 1\n', self.GAUGE + "a_b 1\n" + self.GAUGE,
                     self.GAUGE.replace("gauge", "counter") + "a_b 1\n",
                     self.HISTOGRAM.replace("t_count 3", "t_count 4"),
                     self.HISTOGRAM.replace('le="0.5"} 1', 'le="0.5"} 4')):
            with self.assertRaises(ValueError, msg=text):
                Metrics(text)


class SystemLogTest(unittest.TestCase):
    """Reading what journal and syslog get."""

    def test_entries_of_the_journal(self):
        """Fields with and without a length, and some several times."""
        entry = system_log.parse_entry(b"A=1\nB\n\x03\0\0\0\0\0\0\0x\ny\nA=2=3\n")
        self.assertEqual(entry, {"A": ["1", "2=3"], "B": ["x\ny"]})
        with self.assertRaises(ValueError):
            system_log.parse_entry(b"B\n\x05\0\0\0\0\0\0\0x\ny\n")

    def test_lines_of_syslog(self):
        """Priority, program, text."""
        self.assertEqual(system_log.parse_syslog(b"<30>Nov  9 14:15:16 virt-x: it: done\0"),
                         (30, "virt-x", "it: done"))
        with self.assertRaises(ValueError):
            system_log.parse_syslog(b"Nov  9 14:15:16 virt-x: it")


if __name__ == "__main__":
    unittest.main()
