# SPDX-License-Identifier: LGPL-2.1-or-later
"""The VMM is confined as libvirt asks, before and after an update, and can execute what an update orders alone."""

import errno
import os
import pathlib

from lib.debugger import EMPTY_PATH, EXECVEAT, Debugger
from lib.domain import EMULATOR, Domain
from lib.process import status_of
from lib.update import NEXT_VMM, TOOL, VMM, Update, job, require_each_tick_once

TIMEOUT_S = 400

SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
GETPID = 39
SIGCHLD = 17

# what the VMM tries in hostile hands
ATTEMPTS = [
    ("fork", (57,), None),
    ("vfork", (58,), None),
    ("clone", (56, SIGCHLD, 0, 0, 0, 0), None),
    ("execve", (59, '"/bin/true"', 0, 0), None),
    ("execveat", (EXECVEAT, "$file", '""', 0, 0, EMPTY_PATH), "/bin/true"),
    ("execveat of the validated program", (EXECVEAT, "$file", '""', 0, 0, EMPTY_PATH), NEXT_VMM),
    ("setpriority", (141, 0, 0, 1), None),
    ("unshare", (272, 0), None),
]


def require_confined(l1, guest):
    """The filter is in force for each thread of the VMM, and there is one filter."""
    folder = pathlib.Path(f"/proc/{guest.pid()}")
    arguments = (folder / "cmdline").read_bytes().decode().split("\0")
    l1.require("-sandbox" in arguments and arguments[arguments.index("-sandbox") + 1] == SANDBOX,
               f"libvirt did not ask for the sandbox: {arguments}")
    for task in (folder / "task").iterdir():
        status = status_of(task)
        l1.log(f"{status['Name']}: Seccomp {status['Seccomp']}, filters "
               f"{status['Seccomp_filters']}, NoNewPrivs {status['NoNewPrivs']}")
        l1.require(status["Seccomp"] == "2" and status["Seccomp_filters"] == "1" and
                   status["NoNewPrivs"] == "1", f"thread {status['Name']} is not confined")


def require_nobody_listens(l1, guest):
    """Whoever faces the guest must not decide: the VMM does not hold its filter's listener."""
    links = [os.readlink(entry) for entry in pathlib.Path(f"/proc/{guest.pid()}/fd").iterdir()]
    l1.require(not [link for link in links if "seccomp" in link],
               f"the VMM holds the listener: {links}")


def require_denied(l1, guest, attempts):
    """Each attempt fails with EPERM, and leaves no trace."""
    wanted = [((GETPID,), None)] + [(arguments, file) for _, arguments, file in attempts]
    own, *results = Debugger(l1, guest.pid()).calls(wanted)
    l1.require(own[0] == guest.pid(), "the debugger does not act in the VMM's name")
    for (name, _, _), (result, error) in zip(attempts, results):
        l1.require((result, error) == (-1, errno.EPERM),
                   f"{name} was not denied: {result}, errno {error}")


def require_other_program_denied(l1, guest):
    """Even while an update has ordered an execution, another file than the validated is refused."""
    swap = Debugger(l1, guest.pid()).swap_program("/bin/true")
    result = l1.run(TOOL, guest.name, NEXT_VMM, check=False, timeout=90)
    swap.wait(60)
    l1.log((l1.share / "swap-program.log").read_text(errors="replace"))
    last = job(guest)
    l1.require(result.returncode == 1 and last["status"] == "rolled-back",
               f"the update ended as {last['status']}")
    l1.require("Operation not permitted" in last["error"]["desc"],
               f"it failed for another reason: {last['error']}")
    l1.require(guest.state() == "running", "the guest does not run on")


def run(l1):
    """Confined from the start; attempts; an update with a swapped program; two updates; attempts."""
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io", "ticker"])
    guest.start()
    guest.wait_for_io(20)
    require_confined(l1, guest)
    require_nobody_listens(l1, guest)
    require_denied(l1, guest, ATTEMPTS)
    require_other_program_denied(l1, guest)
    guest.wait_for_io(20)
    for binary in (NEXT_VMM, VMM):
        Update(guest, binary).require_device_untouched()
        require_confined(l1, guest)
        require_nobody_listens(l1, guest)
        guest.wait_for_io(20)
    require_denied(l1, guest, ATTEMPTS[:1] + ATTEMPTS[3:6])
    guest.wait_for_io(20)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
