# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a process holds: the counts that a leak would raise."""

import collections
import os
import pathlib
import re


def processes_named(name):
    """PIDs of all processes whose program has that name."""
    pids = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.path.basename(os.readlink(entry / "exe")).split(" ")[0] == name:
                    pids.append(int(entry.name))
            except OSError:
                continue
    return sorted(pids)


def start_time(pid):
    """The time at which the process began: with the PID, its identity. It outlives an exec."""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return int(text.rpartition(")")[2].split()[19])


def status_of(folder):
    """The `status` of a process's or thread's folder in /proc as a dictionary."""
    lines = (folder / "status").read_text(encoding="utf-8").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


class Holdings:
    """Descriptors, threads and memory of a process at one moment."""

    def __init__(self, pid):
        folder = pathlib.Path(f"/proc/{pid}")
        self.pid = pid
        self.descriptors = collections.Counter()
        for entry in (folder / "fd").iterdir():
            try:
                # numbers differ from one to the next, kinds do not
                self.descriptors[re.sub(r"\[?\d+\]?", "N", os.readlink(entry))] += 1
            except FileNotFoundError:
                continue
        self.threads = len(list((folder / "task").iterdir()))
        self.status = status_of(folder)
        self.mappings = len((folder / "maps").read_text(encoding="utf-8").splitlines())

    def kib(self, key):
        """A size out of /proc/PID/status."""
        return int(self.status[key].split()[0])

    def descriptor_count(self):
        """All descriptors."""
        return sum(self.descriptors.values())

    def __str__(self):
        return (f"pid {self.pid}: {self.descriptor_count()} descriptors, {self.threads} threads, "
                f"{self.mappings} mappings, rss {self.kib('VmRSS')} KiB (anonymous "
                f"{self.kib('RssAnon')} KiB), locked {self.kib('VmLck')} KiB, "
                f"size {self.kib('VmSize')} KiB")

    def gained(self, before):
        """Kinds of descriptor of which there are more than in `before`, and how many more."""
        return dict(self.descriptors - before.descriptors)
