# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the pause of updates without VFIO, side by side (scripts/bench pause)."""

from lib import qemu
from lib.bench import Bench, Load

TIMEOUT_S = 900
QEMU_BACKEND = True
IN_CONTAINER = True
HOST_KVM = True
BY_HAND = True


def run(l1):
    """On the machine itself. Its KVM may be one that can run no real kernel (KVM_PVM)."""
    qemu.set_up(l1)
    bench = Bench(l1, Load(), turns=6)
    bench.measure_all()
    bench.finish()
