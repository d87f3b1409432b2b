# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must not change when nothing is to happen to a guest."""

import os

from .process import Holdings


class Picture:
    """What an operator, libvirt or the guest could see of the VMM."""

    def __init__(self, guest):
        pid = guest.pid()
        self.threads = sorted(os.listdir(f"/proc/{pid}/task"))
        self.descriptors = Holdings(pid).descriptors
        # when vCPUs last stopped and ran
        self.timeline = guest.qmp("query-cpr")["timeline"]

    def require_same(self, l1, later, after):
        """Fail if anything has changed."""
        for name, value in vars(self).items():
            l1.require(value == vars(later)[name],
                       f"{name} changed by {after}: {value}, then {vars(later)[name]}")
