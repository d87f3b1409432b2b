# SPDX-License-Identifier: LGPL-2.1-or-later
"""What libvirt shows of a domain, before and after an update."""

import difflib
import re

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
