# SPDX-License-Identifier: LGPL-2.1-or-later
"""What libvirt shows of a domain, before and after an update."""

import collections
import difflib
import fnmatch
import re
import signal
import subprocess
import tempfile
from xml.etree import ElementTree

COMMANDS = (("dumpxml", "--migratable"), ("dominfo",), ("domstats",), ("dommemstat",),
            ("domblklist",), ("domiflist",), ("vcpuinfo",), ("vcpupin",), ("domdisplay",))
# Moves on by itself.
MOVING = re.compile(r"time|cpu\.|\.(cur|sum|max|hist)=|\.(rd|wr|fl)\.|rss|\bnet\.\d+\.[rt]x|\bblock\.\d+\.(rd|wr|fl|phys|alloc)|"
                    r"CPU time|last_update|haltpoll|usable|\.delay=|\.wait=|State:|^CPU:", re.IGNORECASE)
# What the library itself writes down after an update.
HISTORY = re.compile(r"\s*<(\w+):history xmlns:\1=[\"']http://libvirt-cpr\.org/xmlns/domain/history/1\.0[\"']>"
                     r".*?</\1:history>", re.DOTALL)
NO_METADATA = re.compile(r"\s*<metadata>\s*</metadata>")


class LibvirtView:
    """The output of each command, with its status; without what moves by itself, and the history."""

    def __init__(self, guest, but=()):
        """Without the commands of these names."""
        self.guest = guest
        self.but = but
        self.lines = {" ".join(command): self.ask(*command) for command in COMMANDS
                      if command[0] not in but}

    def ask(self, command, *options):
        """One command's lines."""
        result = self.guest.l1.run("virsh", command, self.guest.name, *options, check=False)
        shown = NO_METADATA.sub("", HISTORY.sub("", result.stdout))
        kept = [line for line in shown.splitlines() if not MOVING.search(line)]
        return [f"status {result.returncode}", *kept]

    def require_same_as(self, before):
        """Fail with the lines that differ."""
        for command, lines in self.lines.items():
            changed = [line for line in difflib.ndiff(before.lines[command], lines)
                       if line[:1] in "+-"]
            self.guest.l1.require(not changed, f"'virsh {command}' shows something else after the "
                                               f"update: {changed[:4]}")


# What becomes of a field over an update, and how it moves by itself, as the manual's tables have it.
SAME, CHANGED, FALLS, GONE, NEW, STILL = "as before", "changed", "falls", "gone", "new", "stands still"
ZERO, NONE = "0", "none"
KINDS = (SAME, CHANGED, FALLS, GONE, NEW, STILL, ZERO, NONE)
GROWS, VARIES = "grows", "varies"
EVENT = re.compile(r"^event '?([\w-]+)'? (?:at|for) ", re.MULTILINE)


def xml_fields(text):
    """Each attribute and text of an XML by its path; the second element of a name is name.2."""
    fields = {}

    def walk(element, path):
        if (element.text or "").strip():
            fields[path] = element.text.strip()
        for name, value in element.attrib.items():
            fields[f"{path}@{name}"] = value
        counts = collections.Counter()
        for child in element:
            name = child.tag.rpartition("}")[2]
            counts[name] += 1
            number = f".{counts[name]}" if counts[name] > 1 else ""
            walk(child, f"{path}/{name}{number}".lstrip("/"))
    walk(ElementTree.fromstring(text), "")
    return fields


def line_fields(text, separator):
    """Each line's value by what stands before the separator; lines without one belong to the line before."""
    fields = {}
    name = None
    for line in text.splitlines():
        key, found, value = line.strip().partition(separator)
        if found and not line.startswith("\t"):
            name = key.strip()
            fields[name] = value.strip()
        elif name and line.strip():
            fields[name] += " " + line.strip()
    return fields


def row_fields(text):
    """Each row of a table by its first word."""
    rows = [line.split() for line in text.splitlines()[2:] if line.strip()]
    return {row[0]: " ".join(row[1:]) for row in rows}


def vcpu_fields(text):
    """Each line of each vCPU."""
    return {f"{cpu['VCPU']}/{name}": value for cpu in (line_fields(part, ":") for part in text.split("\n\n"))
            if cpu for name, value in cpu.items()}


READERS = {
    ("dumpxml", "--migratable"): xml_fields,
    ("dominfo",): lambda text: line_fields(text, ":"),
    ("domstats",): lambda text: line_fields(text, "="),
    ("dommemstat",): lambda text: line_fields(text, " "),
    ("domblklist",): row_fields,
    ("domiflist",): row_fields,
    ("vcpuinfo",): vcpu_fields,
}


def look(guest):
    """{(command, field): value} of all that libvirt shows of a domain."""
    found = {}
    for command, read in READERS.items():
        result = guest.l1.run("virsh", command[0], guest.name, *command[1:], check=False)
        # of a command that fails, all fields are gone
        fields = read(result.stdout) if result.returncode == 0 else {}
        found.update({(command[0], name): value for name, value in fields.items()})
    return found


def looks(guest, work, count=3):
    """{(command, field): [value of each look]}, with work of the guest's in between."""
    values = collections.defaultdict(list)
    for number in range(count):
        if number:
            work()
        for field, value in look(guest).items():
            values[field].append(value)
    return values


class Events:
    """The names of the events that come from now on, by the command of virsh that shows them."""

    COMMANDS = {"qemu-monitor-event": ("--domain",), "event": ("--all", "--domain")}

    def __init__(self, guest):
        self.l1 = guest.l1
        # by no pipe, which could be full; both end in stop()
        # pylint: disable=consider-using-with
        self.files = {command: tempfile.TemporaryFile() for command in self.COMMANDS}
        self.watchers = {
            command: subprocess.Popen(["virsh", command, "--loop", *options, guest.name],
                                      stdout=self.files[command], stderr=subprocess.STDOUT)
            for command, options in self.COMMANDS.items()}
        self.l1.sleep(2 * self.l1.slow)

    def stop(self):
        """{(command, event): how often}"""
        seen = collections.Counter()
        for command, watcher in self.watchers.items():
            self.l1.require(watcher.poll() is None, f"'virsh {command}' has ended")
            watcher.send_signal(signal.SIGINT)
            watcher.wait(30 * self.l1.slow)
            file = self.files[command]
            file.seek(0)
            text = file.read().decode()
            file.close()
            self.l1.log(f"virsh {command}:\n{text}")
            seen.update((command, name) for name in EVENT.findall(text))
        return seen


def number_in(text):
    """What a value begins with."""
    return float(re.match(r"-?\d+(\.\d+)?", text).group())


def kind_of(before, after, moves=None):
    """What has become of a field, by the values of the looks before and after, and by how it moves by itself."""
    if not before or not after:
        return NEW if after else GONE
    if moves == VARIES:
        return SAME
    if moves is None:
        return SAME if {*before} == {*after} else CHANGED
    first, later = [number_in(value) for value in before], [number_in(value) for value in after]
    if first[-1] and not any(later):
        return ZERO
    grew = all(value < following for value, following in zip(first, first[1:]))
    if grew and len({*later}) == 1:
        return STILL
    return FALLS if later[0] < first[-1] else SAME


def tables(page):
    """The tables of a page, each a list of rows of cells, without the lines below the heads."""
    found = re.findall(r"(?:^\|.*\n?)+", page, re.MULTILINE)
    rows = [[[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
            for table in found]
    return [[table[0], *table[2:]] for table in rows]


def patterns(row):
    """Each (command, pattern of a field) that a row is about."""
    return [(command, pattern) for command in re.findall("`([^`]+)`", row[0])
            for pattern in re.findall("`([^`]+)`", row[1])]


def fits(pattern, field):
    """Whether a field is one of those."""
    return field[0] == pattern[0] and fnmatch.fnmatchcase(field[1], pattern[1])


class ManualsTables:
    """What the manual says of one kind of VMM: what an update makes differ, and what moves by itself."""

    def __init__(self, page, column):
        """The page's text, and the column of the kind of VMM."""
        differing, moving = tables(page)
        place = differing[0].index(column)
        for row, words in [(row, KINDS) for row in differing[1:]] + [(row, (GROWS, VARIES)) for row in moving[1:]]:
            if row[place if words is KINDS else 2] not in words or not row[-1] or not patterns(row):
                raise ValueError(f"a row of the table is not understood: {row}")
        self.rows = [(pattern, row[place]) for row in differing[1:] for pattern in patterns(row)
                     if row[place] != SAME]
        if not self.rows:
            raise ValueError(f"the table says nothing of {column}")
        self.moving = {pattern: row[2] for row in moving[1:] for pattern in patterns(row)}

    def moves(self, field):
        """How the field moves by itself, or None."""
        return next((how for pattern, how in self.moving.items() if fits(pattern, field)), None)

    def differences(self, before, after):
        """{(command, field): kind} of all that is not as it was."""
        found = {field: kind_of(before.get(field, []), after.get(field, []), self.moves(field))
                 for field in {**before, **after}}
        return {field: kind for field, kind in sorted(found.items()) if kind != SAME}

    def contradictions(self, before, after):
        """All that is not as the tables say, a text each."""
        found = self.differences(before, after)
        wrong = [f"{' '.join(field)} moves by itself: {values}" for field, values in before.items()
                 if len({*values}) > 1 and not self.moves(field)]
        wrong += [f"{' '.join(field)}: {kind} ({before.get(field)}, {after.get(field)})"
                  for field, kind in found.items()
                  if not any(fits(pattern, field) and kind == said for pattern, said in self.rows)]
        for pattern, said in self.rows:
            shown = [field for field in {**before, **after} if fits(pattern, field)]
            if shown if said == NONE else said not in [found.get(field) for field in shown]:
                wrong.append(f"{' '.join(pattern)} is not '{said}'")
        return wrong

    def unused(self, fields):
        """What moves by itself and is not there."""
        return {pattern for pattern in self.moving if not any(fits(pattern, field) for field in fields)}
