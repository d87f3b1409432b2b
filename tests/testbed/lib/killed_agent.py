# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt-cpr-nova-agent, killed at one place: `killed_agent.py before|after N ARGUMENTS` ends by SIGKILL directly
before or after the nth time that it has replaced a file of its journal, whichever thread does that."""

import itertools
import os
import signal
import sys

from libvirt_cpr_nova import agent

real_rename = os.rename
count = itertools.count(1)


def rename(source, target):
    """As os.rename, but for that one."""
    dies = next(count) == int(NUMBER)
    if dies and WHEN == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    real_rename(source, target)
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)


WHEN, NUMBER = sys.argv[1:3]
del sys.argv[1:3]
os.rename = rename
agent.main()
