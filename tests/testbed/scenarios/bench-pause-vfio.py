# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the pause of updates with a VFIO device at work, side by side (scripts/bench pause)."""

from lib import qemu
from lib.bench import Bench, Load
from lib.trace import NVME_DEVICES

TIMEOUT_S = 1800
MEMORY_MIB = 6144
QEMU_BACKEND = True
BY_HAND = True


def run(l1):
    """One kernel, and a guest each."""
    qemu.set_up(l1)
    bench = Bench(l1, Load("io"))
    bench.measure_all(NVME_DEVICES[0])
    bench.finish()
