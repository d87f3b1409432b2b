# SPDX-License-Identifier: LGPL-2.1-or-later
"""The controller is killed in each phase of an update, and no process, lock or device is left behind."""

import os
import signal
import subprocess

from lib.domain import EMULATOR, Domain
from lib.faults import (ENVIRONMENT, EXECVEAT, HANGS, MMAP, PWRITE, SENDMSG, TELLS_OF_BINARY,
                        TELLS_OF_ENTRY, TELLS_OF_FINISH, Fault, Injector, delayed, saving)
from lib.process import processes_named
from lib.update import CONTROLLER, NEXT_VMM, TOOL, controller_pid, job, require_nothing_left

TIMEOUT_S = 600
# Of the phases in the short form, every so many.
SHORT_STEP = 3

OLD, NEW = "cpr-vmm", "cpr-vmm-next"
A_WHILE = delayed(3000)

# phase, what holds it there, and whether the guest runs before
HELD = [
    # the child that is to ask the new binary for its --info
    ("validate", Fault(CONTROLLER, EXECVEAT, HANGS), True),
    ("prepare", Fault(OLD, SENDMSG, A_WHILE, TELLS_OF_BINARY), True),
    ("save", saving(PWRITE, A_WHILE, program=OLD), True),
    ("exec", Fault(OLD, EXECVEAT, A_WHILE), True),
    ("exec", Fault(NEW, SENDMSG, A_WHILE), True),
    ("load", Fault(NEW, MMAP, A_WHILE), True),
    ("load", Fault(NEW, MMAP, HANGS), True),
    ("resume", Fault(NEW, SENDMSG, A_WHILE, TELLS_OF_ENTRY), True),
    ("finish", Fault(NEW, SENDMSG, A_WHILE, TELLS_OF_FINISH), False),
]


def kill_controller(l1, guest, pid):
    """libvirt then sees the domain as stopped, and no process of it is left."""
    os.kill(pid, signal.SIGKILL)
    guest.wait_for_state("shut off", 30)
    require_nothing_left(l1)


def try_phase(l1, guest, injector, phase, fault, runs):
    """One update, whose controller is killed in that phase, at the fault."""
    l1.log(f"=== {phase}")
    guest.start()
    controller = controller_pid(l1)
    guest.wait_for_io(5)
    if not runs:
        guest.virsh("suspend")
    injector.arm(fault, fault.program)
    client = subprocess.Popen([TOOL, guest.name, NEXT_VMM], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
    l1.wait_until(injector.fired, 30, f"phase {phase}")
    l1.require(job(guest)["phase"] == phase, f"the update is in phase {job(guest)['phase']}")
    kill_controller(l1, guest, controller)
    _, said = client.communicate(timeout=90 * l1.slow)
    l1.log(f"{TOOL} ended with {client.returncode}: {said.strip()}")
    l1.require(client.returncode == 1 and said, "the tool did not tell of a failure")


def run(l1):
    """Idle, then each phase; at the end the guest runs once more."""
    injector = Injector()
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io"], environment=ENVIRONMENT)
    guest.start()
    guest.wait_for_io(5)
    kill_controller(l1, guest, controller_pid(l1))

    for phase, fault, runs in HELD[::SHORT_STEP] if l1.short else HELD:
        try_phase(l1, guest, injector, phase, fault, runs)

    guest.start()
    guest.wait_for_io(20)
    l1.require(processes_named(CONTROLLER), "the guest has no controller")
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
