# SPDX-License-Identifier: LGPL-2.1-or-later
"""suspend, resume, reset, reboot, shutdown, destroy and a panic do what users of libvirt expect."""

import time

from lib.domain import EMULATOR, Domain
from lib.process import processes_named
from lib.update import CONTROLLER, ticks

TIMEOUT_S = 300


def wait_for_boot(guest, since):
    """The guest has booted (again) since that position of the console."""
    guest.console.wait_for("^GUEST READY", 90, since)


def check_suspend(l1, guest):
    """No tick arrives while the domain is suspended, and ticks go on without a gap in their count."""
    guest.console.wait_for("^tick", 10, guest.console.position())
    guest.virsh("suspend")
    l1.require(guest.state() == "paused", f"the suspended domain is '{guest.state()}'")
    time.sleep(0.5)
    position = guest.console.position()
    time.sleep(2)
    l1.require(guest.console.position() == position, "the suspended guest wrote to its console")
    before = ticks(guest.console)[-1][1]
    guest.virsh("resume")
    l1.require(guest.state() == "running", f"the resumed domain is '{guest.state()}'")
    guest.console.wait_for("^tick", 10, position)
    after = ticks(guest.console, position)[0][1]
    l1.require(after == before + 1, f"tick {after} followed tick {before}")


def check_restarts(guest):
    """reset, reboot, and a reboot by the guest itself; the process stays."""
    pid = guest.pid()
    for command in (lambda: guest.virsh("reset"), lambda: guest.virsh("reboot"),
                    lambda: guest.console.send("reboot -f")):
        position = guest.console.position()
        command()
        wait_for_boot(guest, position)
        guest.l1.require(guest.state() == "running", f"the domain is '{guest.state()}'")
        guest.l1.require(guest.pid() == pid, "the domain's process changed")


def wait_for_end(l1, guest, pid):
    """Nothing of the domain is left."""
    guest.wait_for_state("shut off")
    l1.wait_until(lambda: not processes_named(CONTROLLER), 10, "the controller to end")
    l1.wait_until(lambda: pid not in processes_named("cpr-vmm"), 10, "the VMM to end")


def check_panic(l1, guest, pid):
    """A panic ends the domain by its on_crash, before the guest's own panic=-1 restarts it."""
    guest.console.send("echo c > /proc/sysrq-trigger")
    wait_for_end(l1, guest, pid)
    reason = guest.virsh("domstate", "--reason")
    l1.require(reason == "shut off (crashed)", f"the domain that panicked is '{reason}'")


def run(l1):
    """The whole life of a domain, with a passed-through disk in it."""
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["ticker"])
    guest.start()
    pid = guest.pid()
    check_suspend(l1, guest)
    check_restarts(guest)
    guest.virsh("shutdown")
    guest.console.wait_for("^GUEST POWER BUTTON", 30)
    wait_for_end(l1, guest, pid)

    guest.start()
    pid = guest.pid()
    guest.virsh("destroy")
    wait_for_end(l1, guest, pid)

    guest.start()
    check_panic(l1, guest, guest.pid())
