# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be seen of a domain, for what must leave no trace on it."""

import os
import subprocess

from .process import Holdings


class Picture:
    """What an operator, libvirt or the guest could see of the VMM."""

    def __init__(self, guest):
        pid = guest.pid()
        self.threads = sorted(os.listdir(f"/proc/{pid}/task"))
        self.descriptors = Holdings(pid).descriptors
        # when vCPUs last stopped and ran
        self.timeline = guest.qmp("query-cpr")["timeline"]

    def require_same(self, l1, later, after, but=()):
        """Fail if anything has changed but these."""
        for name, value in vars(self).items():
            l1.require(name in but or value == vars(later)[name],
                       f"{name} changed by {after}: {value}, then {vars(later)[name]}")


class Events:
    """What libvirt tells of the domain while this is watched."""

    def __init__(self, guest):
        self.path = guest.l1.share / "events.log"
        with self.path.open("wb") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(
                ["virsh", "event", "--domain", guest.name, "--all", "--loop"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def end(self):
        """The lines on its life cycle."""
        self.process.terminate()
        self.process.wait()
        return [line for line in self.path.read_text(encoding="utf-8").splitlines()
                if "lifecycle" in line]
