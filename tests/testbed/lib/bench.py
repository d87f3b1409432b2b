# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measurements of updates, one kind after the other, of like guests in one machine."""

import json
import pathlib

from . import qemu
from .bare_qemu import BareQemu, arguments_of
from .domain import EMULATOR, Domain
from .l1 import FILES
from .update import NEXT_VMM, VMM, Update

VCPUS, MEMORY_MIB = 2, 1024
# Updates of a guest, of which each case has one in every turn: a machine that gets slower or faster
# meanwhile does so for all cases alike.
RUNS, SHORT_RUNS = 5, 1
VFIO_DRIVER = pathlib.Path("/sys/bus/pci/drivers/vfio-pci")
TINY_KERNEL = FILES / "tiny-kernel"
# Of QEMU in mode exec.
EXEC_EMULATOR = pathlib.Path("/usr/bin/virt-cpr-qemu-exec-mode")


def bind_to_vfio(address):
    """What libvirt does for a managed device."""
    device = pathlib.Path(f"/sys/bus/pci/devices/{address}")
    if (device / "driver").exists() and (device / "driver").resolve().name == VFIO_DRIVER.name:
        return
    (device / "driver_override").write_text("vfio-pci", encoding="ascii")
    pathlib.Path("/sys/bus/pci/drivers_probe").write_text(address, encoding="ascii")


class Load:
    """What the guests do all the time: I/O under Linux, or as good as nothing in a kernel of the
    testbed's own, where KVM can run no other."""

    def __init__(self, job=None):
        self.job = job
        # What the console shows of it.
        self.sign = rf"{job} \d+ errors 0" if job else "alive"

    def domain_options(self):
        """Domain's."""
        return {"jobs": [self.job]} if self.job else {"kernel": TINY_KERNEL}

    def wait_for(self, guest):
        """The domain is at work now."""
        guest.console.wait_for(f"^{self.sign}", 30, guest.console.position())


class Bench:
    """Each turn of a case measures RUNS updates of a guest of its own, which works all the time."""

    def __init__(self, l1, load, turns=3):
        self.l1 = l1
        self.load = load
        self.turns = turns
        self.runs = SHORT_RUNS if l1.short else RUNS
        self.results = {}

    def measure(self, case, update):
        """`update` returns (pause, total) in ms."""
        found = self.results.setdefault(case, {"pause_ms": [], "total_ms": []})
        for number in range(self.runs):
            pause, total = update(number)
            self.l1.log(f"{case}: pause {pause:.1f} ms, total {total:.1f} ms")
            found["pause_ms"].append(pause)
            found["total_ms"].append(total)

    def measure_domain(self, case, emulator, binaries, devices, shared_memory):
        """Updates by the project, under libvirt. Returns what BareQemu needs for the same guest."""
        guest = Domain(self.l1, emulator, name=case, vcpus=VCPUS, memory_mib=MEMORY_MIB,
                       devices=devices, shared_memory=shared_memory, **self.load.domain_options())
        guest.start()
        self.load.wait_for(guest)

        def update(number):
            done = Update(guest, str(binaries[number % 2]))
            self.load.wait_for(guest)
            phases = done.job["phases"]
            return (done.pause["total-ns"] / 1e6,
                    (phases[-1]["end-ns"] - phases[0]["begin-ns"]) / 1e6)
        self.measure(case, update)
        arguments = arguments_of(guest.vmm_pid())
        guest.virsh("destroy")
        guest.virsh("undefine")
        return arguments

    def measure_bare(self, case, way, arguments):
        """Updates of a bare QEMU with these arguments (of arguments_of())."""
        guest = BareQemu(self.l1, qemu.STOCK_QEMU, self.load, *arguments)
        self.measure(case, lambda _: way(guest))
        guest.end()

    def measure_turn(self, device):
        """All cases once; each of ours beside QEMU's own."""
        devices = [device] if device else []
        self.measure_domain("cpr-vmm-exec", EMULATOR, (NEXT_VMM, VMM), devices, True)
        self.measure_domain("qemu-exec", EXEC_EMULATOR, (qemu.NEXT_QEMU, qemu.STOCK_QEMU), devices,
                            False)
        bare = self.measure_domain("qemu-transfer", qemu.EMULATOR, (qemu.NEXT_QEMU, qemu.STOCK_QEMU),
                                   devices, False)
        if device:
            bind_to_vfio(f"0000:{device}")
        self.measure_bare("bare-qemu-transfer", BareQemu.transfer, bare)
        self.measure_bare("bare-qemu-exec", BareQemu.exec, bare)

    def measure_all(self, device=None):
        """All turns; `device` is the PCI address of what is passed through."""
        qemu.add_emulator(self.l1, EXEC_EMULATOR, qemu.STOCK_QEMU, mode="exec")
        for _ in range(self.turns):
            self.measure_turn(device)

    def finish(self):
        """Leave the results for scripts/bench."""
        (self.l1.share / "measurements.json").write_text(json.dumps(self.results), encoding="ascii")
