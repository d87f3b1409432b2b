# SPDX-License-Identifier: LGPL-2.1-or-later
"""The new QEMU is killed or hangs before each thing it says, up to the guest's first entry, and the guest is kept."""

from lib import qemu
from lib.domain import Domain
from lib.faults import ENVIRONMENT, HANGS, SENDMSG, Fault, Injector, killed
from lib.l1 import Failure
from lib.matrix import NEW
from lib.update import TOOL, job, require_each_tick_once

TIMEOUT_S = 900
QEMU_BACKEND = True
IN_CONTAINER = True
# More than QEMU sends in an update.
MOST = 80
# A QEMU that hangs is given up soon.
DEADLINES_MS = {"query-deadline": 5000, "info-deadline": 20000, "start-deadline": 10000,
                "save-deadline": 4000, "load-deadline": 4000, "resume-deadline": 4000,
                "kill-deadline": 5000}
SHORT_STEP = 5


class Sweep:
    """One guest, and the same fault at one place after the other."""

    def __init__(self, l1, action):
        self.l1 = l1
        self.action = action
        self.injector = Injector()
        self.guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda", "ticker"], devices=(),
                            shared_memory=False, virtio=[qemu.disk(l1, "vda")],
                            environment=ENVIRONMENT)
        self.guest.start()
        self.guest.wait_for_io(20, job="io-vda")
        self.kept = 0

    def attempt(self, place):
        """An update whose new QEMU fails before its so many-th message; whether it came so far."""
        fault = Fault(NEW, SENDMSG, self.action, place)
        self.injector.arm(fault, qemu.NEXT_QEMU.name)
        self.l1.run(TOOL, self.guest.name, qemu.NEXT_QEMU, check=False, timeout=90)
        fired = self.injector.fired()
        self.injector.disarm()
        if not fired:
            self.l1.require(job(self.guest)["status"] == "completed", "the update failed by itself")
        return fired

    def entered(self):
        """Whether it failed after the guest's entry: then it was a VMM that crashed, and libvirt saw it."""
        return self.guest.state() == "shut off"

    def rolled_back(self):
        """The update, if it was; nothing, if the VMM crashed after the guest's entry, which libvirt may
        see only while it is asked."""
        try:
            last = job(self.guest)
        except Failure:
            return None
        return last if last["status"] == "rolled-back" else None

    def run(self, step):
        """From the first message to the guest's entry."""
        l1, place = self.l1, 1
        while self.attempt(place):
            last = self.rolled_back()
            if last is None:
                l1.wait_until(self.entered, 30, f"the VMM to crash or to be rolled back (message {place})")
                l1.log(f"message {place} comes after the guest's entry")
                break
            l1.require(self.guest.state() == "running", f"message {place}: the guest does not run")
            self.guest.wait_for_io(20, job="io-vda")
            l1.log(f"message {place}: {last['phase']}, {last.get('pause', {}).get('total-ns', 0) / 1e6:.1f} ms")
            self.kept += 1
            place += step
            l1.require(place < MOST, "QEMU never comes to an end")
        require_each_tick_once(l1, self.guest.console)
        if not self.entered():
            self.guest.virsh("destroy")
        self.guest.virsh("undefine")


def run(l1):
    """By SIGKILL, and by silence."""
    qemu.set_up(l1, deadlines_ms=DEADLINES_MS)
    for name, action in (("killed", killed("SIGKILL")), ("silent", HANGS)):
        sweep = Sweep(l1, action)
        sweep.run(SHORT_STEP if l1.short else 1)
        l1.report(f"new QEMU {name} at {sweep.kept} places, {sweep.kept} guests kept")
        l1.require(sweep.kept > 2, "hardly anything was tried")
