# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests of another user than root are updated, and stay libvirt's when the old binary has to come back under another PID."""

import os
import pathlib
import signal

from lib.domain import EMULATOR, Domain
from lib.faults import ENVIRONMENT, MMAP, Fault, Injector, killed
from lib.unprivileged import become_unprivileged, require_unprivileged
from lib.update import (NEXT_VMM, TOOL, VMM, Update, controller_pid, job, require_each_tick_once,
                        require_nothing_left)

TIMEOUT_S = 400

LOG = pathlib.Path("/var/log/libvirt/qemu/guest.log")


def lose_new_vmm(l1, guest, injector, binary):
    """An update whose new VMM is killed in load. Returns the process that has the guest now."""
    injector.arm(Fault(pathlib.Path(binary).name, MMAP, killed("SIGKILL")),
                 pathlib.Path(binary).name)
    known = guest.pid()
    l1.require(l1.run(TOOL, guest.name, binary, check=False, timeout=90).returncode == 1,
               "the tool told of success")
    last = job(guest)
    l1.require(last["status"] == "rolled-back", f"the update ended as {last['status']}: {last}")
    l1.require(last["domain-pid"] == known and last.get("vmm-pid", known) != known,
               f"the job does not tell of another process: {last}")
    stray = last["vmm-pid"]
    require_unprivileged(l1, stray)
    l1.require(f"the VMM is process {stray} now, not {known}" in LOG.read_text(errors="replace"),
               "the log does not tell of another process")
    told = l1.run(TOOL, "--info", guest.name).stdout
    l1.require(str(stray) in told, f"--info does not tell of another process: {told}")
    return stray


def require_works(l1, guest):
    """libvirt goes on working with the domain, and its guest goes on."""
    l1.require(guest.state() == "running", f"the domain is '{guest.state()}'")
    guest.virsh("suspend")
    l1.require(guest.state() == "paused", f"the domain is '{guest.state()}'")
    guest.virsh("resume")
    guest.wait_for_io(20)
    status, lines = guest.console.command("echo still here")
    l1.require(status == 0 and "still here" in lines, f"the console answers {lines}")


def run(l1):
    """An update; a rollback to another PID, an update from there, destroy; the controller killed."""
    become_unprivileged(l1)
    injector = Injector()
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io", "ticker"], environment=ENVIRONMENT)
    guest.start()
    guest.wait_for_io(20)
    for pid in (guest.pid(), controller_pid(l1)):
        require_unprivileged(l1, pid)
    Update(guest, NEXT_VMM).require_device_untouched()
    require_works(l1, guest)

    stray = lose_new_vmm(l1, guest, injector, VMM)
    require_works(l1, guest)
    l1.run(TOOL, guest.name, VMM, timeout=90)
    l1.require(job(guest)["vmm-pid"] == stray, "the update changed the process")
    require_works(l1, guest)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("destroy")
    require_nothing_left(l1)

    guest.start()
    guest.wait_for_io(20)
    stray = lose_new_vmm(l1, guest, injector, NEXT_VMM)
    # It hangs, and libvirt does not know it.
    os.kill(stray, signal.SIGSTOP)
    os.kill(controller_pid(l1), signal.SIGKILL)
    guest.wait_for_state("shut off")
    require_nothing_left(l1)

    guest.start()
    guest.wait_for_io(20)
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
