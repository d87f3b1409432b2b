# SPDX-License-Identifier: LGPL-2.1-or-later
"""Updates that take too long, are cancelled or lose their tool: the guest is kept, and the next one succeeds."""

import os
import pathlib
import signal
import subprocess
import time

from lib.domain import EMULATOR, Domain
from lib.faults import (ENVIRONMENT, EXECVEAT, HANGS, MMAP, PWRITE, SENDMSG, TELLS_OF_ENTRY, Fault,
                        Injector, delayed, saving)
from lib.update import (CONTROLLER, FRONT_END, NEXT_VMM, TOOL, VMM, Update, job,
                        require_each_tick_once, set_deadlines)

TIMEOUT_S = 500

OLD, NEW = "old", "new"
A_WHILE = delayed(3000)
# Longer than what is tried here.
DEADLINES_MS = {"info-deadline": 60000, "save-deadline": 60000, "exec-deadline": 60000,
                "load-deadline": 60000, "resume-deadline": 60000, "longest-stop": 60000}
TIMEOUT = 5
FRONT_END_COMMAND = (FRONT_END, "update-in-place")

# phase in which --timeout ends, what holds it there, and the job's end
TOO_LONG = [
    ("validate", Fault(CONTROLLER, EXECVEAT, HANGS), "failed"),
    ("save", saving(PWRITE, delayed(20000), program=OLD), "rolled-back"),
    ("exec", Fault(NEW, SENDMSG, HANGS), "rolled-back"),
    ("load", Fault(NEW, MMAP, HANGS), "rolled-back"),
]
# command, signal and what holds the update where it comes
CANCELLED = [
    ((TOOL,), signal.SIGINT, Fault(CONTROLLER, EXECVEAT, A_WHILE)),
    ((TOOL, "--verbose"), signal.SIGINT, saving(PWRITE, A_WHILE, program=OLD)),
    ((TOOL,), signal.SIGTERM, Fault(NEW, SENDMSG, A_WHILE)),
    ((TOOL,), signal.SIGHUP, Fault(NEW, MMAP, A_WHILE)),
    ((TOOL,), signal.SIGINT, Fault(NEW, "KVM_KVMCLOCK_CTRL", A_WHILE)),
    (FRONT_END_COMMAND, signal.SIGINT, Fault(NEW, MMAP, A_WHILE)),
]


class Canceller:
    """A guest, and updates of it that are held up."""

    def __init__(self, l1):
        self.l1 = l1
        self.injector = Injector()
        self.current, self.next = VMM, NEXT_VMM
        self.guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io", "ticker"], environment=ENVIRONMENT)
        self.guest.start()
        self.guest.wait_for_io(20)

    def begin(self, fault, *command):
        """Start the tool; it returns when the update is held up."""
        program = {OLD: pathlib.Path(self.current).name,
                   NEW: pathlib.Path(self.next).name}.get(fault.program, fault.program)
        self.injector.arm(fault, program)
        # pylint: disable-next=consider-using-with
        tool = subprocess.Popen([*command, self.guest.name, self.next], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        self.l1.wait_until(self.injector.fired, 30, "the update to be held up")
        return tool

    def end(self, tool, status, *words):
        """The tool ends, having said these words, and the job with that status."""
        l1 = self.l1
        out, said = tool.communicate(timeout=90 * l1.slow)
        l1.log(f"the tool ended with {tool.returncode}: {out.strip()} {said.strip()}")
        l1.wait_until(lambda: job(self.guest)["status"] != "running", 60, "the job to end")
        self.injector.disarm()
        last = job(self.guest)
        l1.require(last["status"] == status, f"the job ended as {last['status']}: {last}")
        for word in words:
            l1.require(word in out + said, f"the tool did not say '{word}'")
        if status == "completed":
            self.current, self.next = self.next, self.current
        l1.require(self.guest.state() == "running", f"the domain is '{self.guest.state()}'")
        self.guest.wait_for_io(5)
        return last

    def require_end(self, tool, returncode):
        """The tool ended like this."""
        self.l1.require(tool.returncode == returncode, f"the tool ended with {tool.returncode}")

    def try_timeout(self, phase, fault, status):
        """The time is over in that phase."""
        seconds = TIMEOUT * self.l1.slow
        tool = self.begin(fault, TOOL, "--timeout", str(seconds))
        last = self.end(tool, status, f"the update took longer than {seconds * 1000} ms",
                        *(["the guest runs on with"] if status == "rolled-back" else []))
        self.require_end(tool, 1)
        self.l1.require(last["phase"] == phase, f"the job ended in phase {last['phase']}")

    def try_cancel(self, command, number, fault):
        """A signal comes while the update can be undone."""
        tool = self.begin(fault, *command)
        tool.send_signal(number)
        self.end(tool, "cancelled", "cancelling the update", "the update was cancelled",
                 "the guest runs on with")
        self.require_end(tool, 1)

    def try_too_late(self):
        """The guest has been entered."""
        tool = self.begin(Fault(NEW, SENDMSG, A_WHILE, TELLS_OF_ENTRY), TOOL)
        tool.send_signal(signal.SIGINT)
        self.end(tool, "completed", "it was too late to cancel the update", "updated in place")
        self.require_end(tool, 0)

    def try_second_signal(self):
        """The first cancels, the second ends the tool alone."""
        tool = self.begin(Fault(NEW, MMAP, A_WHILE), TOOL)
        tool.send_signal(signal.SIGINT)
        said = tool.stderr.readline()
        self.l1.require("without this program" in said, f"the tool said {said}")
        # for libvirt to pass it on
        time.sleep(1)
        tool.send_signal(signal.SIGINT)
        self.end(tool, "cancelled")
        self.require_end(tool, -signal.SIGINT)

    def try_killed_tool(self):
        """The update is none of the tool's business any more."""
        tool = self.begin(Fault(NEW, MMAP, A_WHILE), TOOL)
        tool.send_signal(signal.SIGKILL)
        self.end(tool, "completed")

    def try_lost_daemon(self):
        """libvirt's daemon does not come back for as long as the tool waits."""
        l1 = self.l1
        tool = self.begin(Fault(NEW, MMAP, A_WHILE), TOOL)
        pid = l1.libvirt_pid()
        os.kill(pid, signal.SIGKILL)
        tool.wait(120 * l1.slow)
        l1.run("libvirtd", "-d")
        l1.wait_for_libvirt()
        self.end(tool, "completed", "What became of the update", "--info tells of it")
        self.require_end(tool, 1)


def run(l1):
    """Timeouts, signals in time and too late, a tool and a daemon that go; then an update."""
    set_deadlines(DEADLINES_MS)
    canceller = Canceller(l1)
    step = 2 if l1.short else 1
    for phase, fault, status in TOO_LONG[::step]:
        l1.log(f"=== --timeout in {phase}")
        canceller.try_timeout(phase, fault, status)
    for command, number, fault in CANCELLED[::step]:
        l1.log(f"=== {command} and {number!r}")
        canceller.try_cancel(command, number, fault)
    for attempt in (canceller.try_too_late, canceller.try_second_signal,
                    canceller.try_killed_tool, canceller.try_lost_daemon):
        l1.log(f"=== {attempt.__doc__}")
        attempt()
    guest = canceller.guest
    Update(guest, canceller.next).require_device_untouched()
    guest.wait_for_io(20)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
