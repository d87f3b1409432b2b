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
RUNS, SHORT_RUNS = 10, 2
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
    """Each case measures RUNS updates of a guest of its own, which works all the time."""

    def __init__(self, l1, load):
        self.l1 = l1
        self.load = load
        self.runs = SHORT_RUNS if l1.short else RUNS
        self.results = {}

    def measure(self, case, update):
        """`update` returns (pause, total) in ms."""
        found = []
        for number in range(self.runs):
            found.append(update(number))
            self.l1.log(f"{case} {number + 1}: pause {found[-1][0]:.1f} ms, total {found[-1][1]:.1f} ms")
        self.results[case] = {"pause_ms": [pause for pause, _ in found],
                              "total_ms": [total for _, total in found]}

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
        return arguments

    def measure_all(self, device=None):
        """All cases; `device` is the PCI address of what is passed through."""
        devices = [device] if device else []
        self.measure_domain("cpr-vmm-exec", EMULATOR, (NEXT_VMM, VMM), devices, True)
        bare = self.measure_domain("qemu-transfer", qemu.EMULATOR, (qemu.NEXT_QEMU, qemu.STOCK_QEMU),
                                   devices, False)
        qemu.add_emulator(self.l1, EXEC_EMULATOR, qemu.STOCK_QEMU, mode="exec")
        self.measure_domain("qemu-exec", EXEC_EMULATOR, (qemu.NEXT_QEMU, qemu.STOCK_QEMU), devices,
                            False)
        if device:
            bind_to_vfio(f"0000:{device}")
        for case, way in (("bare-qemu-exec", BareQemu.exec),
                          ("bare-qemu-transfer", BareQemu.transfer)):
            guest = BareQemu(self.l1, qemu.STOCK_QEMU, self.load, *bare)
            self.measure(case, lambda _, guest=guest, way=way: way(guest))
            guest.end()

    def finish(self):
        """Leave the results for scripts/bench."""
        (self.l1.share / "measurements.json").write_text(json.dumps(self.results), encoding="ascii")
