# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the modules under test are."""
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "nova"), str(TOP / "src/python")]
