# SPDX-License-Identifier: LGPL-2.1-or-later
"""Before an update the new VMM loads a copy of the guest's state, which the guest does not notice; one that
cannot is refused, whatever its --info says."""

import pathlib
import re
import shutil

from lib.domain import EMULATOR, Domain
from lib.l1 import FILES
from lib.picture import Events, Picture
from lib.trace import NVME_DEVICES
from lib.update import NEXT_VMM, TOOL, VMM, Update, job, require_each_tick_once

TIMEOUT_S = 300

LONGEST_PAUSE_NS = 500_000_000

# name of the impostor (tests/testbed/faults/impostor.c), and what is told of it
IMPOSTORS = {
    "lacks-a-device": "pvpanic",
    "crashes": "killed by signal 11",
    "hangs": "did not end in time",
    "garbage": "it said '",
}


class Attempt:
    """A run of the tool that must leave no trace on guest and devices but the time of a short stop."""

    def __init__(self, guest, *arguments):
        l1 = guest.l1
        before = Picture(guest)
        first = l1.mark()
        self.result = l1.run(TOOL, *arguments, check=False)
        last = l1.mark()
        self.job = job(guest)
        l1.log(f"{arguments}: {self.result.stdout}{self.result.stderr}; job: {self.job}")
        trace = l1.trace_between(first[0], last[0])
        l1.require(not trace.nvme_control() and not trace.config_writes(NVME_DEVICES[0]),
                   "the device was touched")
        before.require_same(l1, Picture(guest), " ".join(arguments), but=("timeline",))
        l1.require(guest.state() == "running" and self.job["generation"] == 0 and
                   "pause" not in self.job and
                   [phase["name"] for phase in self.job["phases"]] == ["validate"],
                   f"the guest was touched: {self.job}")
        pause = self.job["rehearsal"]["pause-ns"]
        l1.require(0 < pause < LONGEST_PAUSE_NS * l1.slow, f"the guest stopped for {pause} ns")


def require_check(guest):
    """A check succeeds and tells of the rehearsal."""
    attempt = Attempt(guest, "--check", "--verbose", guest.name, NEXT_VMM)
    guest.l1.require(attempt.result.returncode == 0 and attempt.job["status"] == "completed",
                     f"the check failed: {attempt.job}")
    guest.l1.require(re.search(r"^Rehearsal: +\d+\.\d{3} ms$", attempt.result.stdout, re.MULTILINE),
                     f"the rehearsal is not told: {attempt.result.stdout}")


def require_refused(guest, folder, name, reason, *options):
    """An impostor is found out by its rehearsal, and the reason is told."""
    path = folder / name
    attempt = Attempt(guest, *options, guest.name, str(path))
    guest.l1.require(attempt.result.returncode == 1 and attempt.job["status"] == "failed" and
                     attempt.job["error"]["code"] == "rehearsal-failed",
                     f"{name} was not refused: {attempt.job}")
    guest.l1.require(reason in attempt.result.stderr and str(path) in attempt.result.stderr,
                     f"the reason is not told: {attempt.result.stderr}")


def require_paused_stays_paused(guest):
    """A guest that is paused is rehearsed without a stop, and stays paused."""
    l1 = guest.l1
    guest.virsh("suspend")
    l1.run(TOOL, "--check", guest.name, NEXT_VMM)
    l1.require(guest.state() == "paused" and job(guest)["rehearsal"]["pause-ns"] == 0,
               f"the guest is {guest.state()}: {job(guest)}")
    guest.virsh("resume")


def run(l1):
    """Checks, impostors, and updates there and back."""
    folder = pathlib.Path("/usr/local/lib/impostors")
    folder.mkdir(parents=True)
    for name in IMPOSTORS:
        shutil.copy(FILES / "impostor", folder / name)
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io", "ticker"])
    guest.start()
    guest.wait_for_io(20)
    # libvirt's first command of this kind leaves its mark in its own log
    job(guest)
    events = Events(guest)
    require_check(guest)
    for name, reason in IMPOSTORS.items():
        require_refused(guest, folder, name, reason)
    require_refused(guest, folder, "crashes", IMPOSTORS["crashes"], "--check")
    seen = events.end()
    l1.require(not seen, f"libvirt saw the domain change: {seen}")
    guest.wait_for_io(20)
    require_paused_stays_paused(guest)
    for binary in (NEXT_VMM, VMM):
        update = Update(guest, binary)
        l1.require(update.job["rehearsal"]["state-bytes"] > 0, "there was no rehearsal")
    guest.wait_for_io(20)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
