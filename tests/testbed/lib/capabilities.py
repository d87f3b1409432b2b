# SPDX-License-Identifier: LGPL-2.1-or-later
"""An emulator program without the capabilities that make limits void, as for a user other than root."""

import pathlib

from .domain import EMULATOR

WRAPPER = pathlib.Path("/usr/local/bin/emulator-within-limits")
DROPPED = "-ipc_lock,-sys_resource"


def emulator_within_limits():
    """The program's path."""
    WRAPPER.write_text(f"#!/bin/sh\nexec setpriv --bounding-set={DROPPED} --inh-caps={DROPPED} "
                       f"{EMULATOR} \"$@\"\n", encoding="ascii")
    WRAPPER.chmod(0o755)
    return WRAPPER
