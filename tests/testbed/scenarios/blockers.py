# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything that stands in the way of an update is told at once, before anything has happened to the guest.

What the kernel of L1 has cannot be taken from it: the blockers of VFIO are left to the unit tests.
"""

import json
import pathlib

from lib import german
from lib.domain import EMULATOR, Domain
from lib.german import require_german
from lib.picture import Events, Picture
from lib.update import NEXT_VMM, TOOL, VMM, job, require_each_tick_once

TIMEOUT_S = 300

WRAPPER = pathlib.Path("/usr/local/bin/emulator-in-a-container")

# What the runtime of some containers does before it starts a program: a filter with a listener, of
# which a process can have only one.
WRAPPER_TEXT = f"""#!/usr/bin/python3
import ctypes, os, struct, sys
libc = ctypes.CDLL(None)
steps = ctypes.create_string_buffer(struct.pack("HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, 163,
                                                0x06, 0, 0, 0x7fc00000, 0x06, 0, 0, 0x7fff0000))
program = ctypes.create_string_buffer(struct.pack("H6xP", 4, ctypes.addressof(steps)))
libc.prctl(38, 1, 0, 0, 0)
os.set_inheritable(libc.syscall(317, 1, 8, program), True)
os.execv("{EMULATOR}", ["{EMULATOR}"] + sys.argv[1:])
"""

BLOCKERS = {
    "memory-not-shared": "<memoryBacking><source type='memfd'/>",
    "sandbox-denies-exec": "seccomp_sandbox = 0",
}


def require_all_told(l1, text):
    """The tool has given name, reason and remedy of each blocker."""
    lines = text.splitlines()
    for name, remedy in BLOCKERS.items():
        told = [line for line in lines if f"blocker {name}: " in line]
        l1.require(len(told) == 1 and remedy in told[0] and "(remedy: " in told[0],
                   f"{name} is not told with its remedy: {text}")


def require_refused(l1, guest, *options):
    """The tool fails with all blockers, and nothing has happened."""
    before = Picture(guest)
    result = l1.run(TOOL, *options, guest.name, NEXT_VMM, check=False)
    l1.require(result.returncode == 1, f"{TOOL} ended with {result.returncode}")
    require_all_told(l1, result.stderr)
    last = job(guest)
    l1.require(last["status"] == "failed" and last["error"]["code"] == "blocked" and
               "pause" not in last and last["generation"] == 0, f"the job: {last}")
    l1.require({blocker["id"] for blocker in last["blockers"]} == set(BLOCKERS),
               f"the job's blockers: {last['blockers']}")
    before.require_same(l1, Picture(guest), " ".join((TOOL, *options)))


def require_info(l1, guest):
    """What the tool tells of the last update, as rows and as JSON; asking does nothing."""
    before, last = Picture(guest), job(guest)
    rows = dict(line.split(":", 1) for line in l1.run(TOOL, "--info", guest.name).stdout.splitlines()
                if ":" in line)
    l1.require(rows["Status"].strip() == last["status"] and
               rows["PID"].strip() == str(guest.pid()) and
               rows["Blockers"].strip() == str(len(BLOCKERS)), f"the rows of --info: {rows}")
    told = json.loads(l1.run(TOOL, "--info", "--json", guest.name).stdout)
    l1.require(told == {"domain": guest.name, **last}, f"--json told {told} of {last}")
    result = l1.run(TOOL, "--check", "--json", guest.name, NEXT_VMM, check=False)
    l1.require(result.returncode == 1 and
               json.loads(result.stdout)["blockers"] == last["blockers"], "a check as JSON")
    before.require_same(l1, Picture(guest), "--info")


def require_german_blockers(l1, guest):
    """What cpr-vmm has against an update is said in the language of whoever asks."""
    german.set_up(l1)
    require_german(l1, "blockers", TOOL, "--check", guest.name, NEXT_VMM, parts=(
        "der Speicher des Gasts gehört dem Prozess des VMM allein", "die Domain um <memoryBacking>",
        "die Sandbox (-sandbox spawn=deny) verbietet, das neue Programm auszuführen"))


def check_without_controller(l1):
    """A confined VMM that nobody controls knows that it cannot be updated."""
    guest = Domain(l1, VMM, name="alone", devices=[])
    guest.virsh("start", "--paused")
    found = guest.qmp("query-cpr")["blockers"]
    l1.require([blocker["id"] for blocker in found] == ["sandbox-denies-exec"],
               f"the blockers of a VMM without a controller: {found}")
    guest.virsh("destroy")


def run(l1):
    """A domain with two blockers: check, try to update, and look at what that did."""
    WRAPPER.write_text(WRAPPER_TEXT, encoding="ascii")
    WRAPPER.chmod(0o755)
    guest = Domain(l1, WRAPPER, vcpus=2, jobs=["io", "ticker"], shared_memory=False)
    guest.start()
    guest.wait_for_io(20)
    # libvirt's first command of this kind leaves its mark in its own log
    job(guest)
    events = Events(guest)
    require_refused(l1, guest, "--check")
    require_info(l1, guest)
    require_german_blockers(l1, guest)
    guest.wait_for_io(20)
    require_refused(l1, guest)
    guest.wait_for_io(20)
    seen = events.end()
    l1.require(not seen, f"libvirt saw the domain change: {seen}")
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
    check_without_controller(l1)
