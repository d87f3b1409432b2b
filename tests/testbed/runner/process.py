# SPDX-License-Identifier: LGPL-2.1-or-later
"""The process that a machine of the testbed is."""

import ctypes
import os
import signal
import subprocess

from .common import TestbedError

PR_SET_PDEATHSIG = 1
# Between asking it to end and killing it.
PATIENCE_S = 10


def die_with_parent():
    """In the child: no machine survives a runner that was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        raise TestbedError("the runner is gone")


def wait(process, timeout):
    """Whether the process has ended within so many seconds."""
    try:
        process.wait(timeout)
        return True
    except subprocess.TimeoutExpired:
        return False


def end(process):
    """End the process, if it runs."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        if not wait(process, PATIENCE_S):
            process.kill()
            process.wait()
