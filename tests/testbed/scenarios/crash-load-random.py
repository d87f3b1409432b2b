# SPDX-License-Identifier: LGPL-2.1-or-later
"""The new VMM is killed at random moments before it enters the guest, and the guest is kept."""

import mmap
import os
import pathlib
import random
import signal
import struct
import subprocess
import time

from lib.domain import EMULATOR, Domain
from lib.update import NEXT_VMM, TOOL, VMM, controller_pid, job

TIMEOUT_S = 3600
SHORT_TIMEOUT_S = 300
KILLS, SHORT_KILLS = 200, 8
SEED = 1
GATE_ENTERED = 1


def gate_word(pid):
    """The entry gate, as its keeper has it mapped, or None while it holds none."""
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            if "cpr-entry-gate" in os.readlink(entry):
                with open(entry, "rb") as file:
                    return mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ)
        except OSError:
            continue
    return None


def executes(pid, path):
    """Whether that is the process's program."""
    try:
        return os.readlink(f"/proc/{pid}/exe") == path
    except OSError:
        return False


def stopped(pid):
    """Whether the process stands still."""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return text.rpartition(")")[2].split()[0] == "T"


class Killer:
    """Updates a guest, and kills the new VMM on the way."""

    def __init__(self, l1):
        self.l1 = l1
        self.random = random.Random(SEED)
        self.current, self.next = VMM, NEXT_VMM
        self.window_s = 0.1
        self.guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io"])
        self.guest.start()
        self.guest.wait_for_io(20)
        self.controller = controller_pid(l1)

    def strike(self, pid):
        """Stop the new VMM at a random moment, and kill it if it has not entered the guest;
        whether it was killed."""
        end = time.monotonic() + 30 * self.l1.slow
        while not executes(pid, self.next):
            # The new binary is there for a fraction of a second.
            time.sleep(0.001)
            self.l1.require(time.monotonic() < end, "the new binary was never executed")
        gate = gate_word(self.controller)
        self.l1.require(gate, "the controller holds no entry gate")
        time.sleep(self.random.uniform(0, self.window_s))
        os.kill(pid, signal.SIGSTOP)
        self.l1.wait_until(lambda: stopped(pid), 5, "the VMM to stand still")
        entered, = struct.unpack("=I", gate[:4])
        os.kill(pid, signal.SIGCONT if entered == GATE_ENTERED else signal.SIGKILL)
        return entered != GATE_ENTERED

    def attempt(self):
        """One update; whether it counts."""
        l1, guest = self.l1, self.guest
        client = subprocess.Popen([TOOL, guest.name, self.next], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        was_killed = self.strike(guest.pid())
        client.wait(60 * l1.slow)
        last = job(guest)
        wanted = "rolled-back" if was_killed else "completed"
        l1.require(last["status"] == wanted, f"the job ended as {last['status']}, not {wanted}: "
                                             f"{last.get('error')}")
        if not was_killed:
            self.current, self.next = self.next, self.current
            self.window_s = (last["pause"]["load-ns"] + last["pause"]["resume-ns"]) / 1e9
        l1.require(guest.state() == "running", "the guest does not run")
        guest.wait_for_io(3)
        return was_killed


def run(l1):
    """So many kills that count."""
    killer = Killer(l1)
    wanted = SHORT_KILLS if l1.short else KILLS
    kills = late = 0
    while kills < wanted:
        if killer.attempt():
            kills += 1
        else:
            late += 1
        l1.log(f"{kills} killed in time, {late} too late")
    killer.guest.require_no_complaints()
    l1.report(f"{kills} VMMs killed before they entered the guest, which ran on each time")
    killer.guest.virsh("shutdown")
    killer.guest.wait_for_state("shut off")
