# SPDX-License-Identifier: LGPL-2.1-or-later
"""Updates that fail in many ways, and a guest that is kept each time."""

import pathlib
import subprocess

from .faults import Injector, delayed
from .l1 import Failure
from .update import TOOL, Update, job

OLD, NEW = "old", "new"
# Long enough for something to be done to a running update.
A_WHILE = delayed(2500)


class Cell:
    """A phase and a fault in it. `binary` names or makes the new binary; `meanwhile` is done
    while the fault lasts. The job then has one of `status`, and `says` why."""

    def __init__(self, phase, name, fault=None, binary=None, meanwhile=None,
                 status=("rolled-back",), says=""):
        self.phase = phase
        self.name = name
        self.fault = fault
        self.binary = binary
        self.meanwhile = meanwhile
        self.status = status
        self.says = says


def cancel(matrix):
    """The operator has changed their mind."""
    matrix.guest.qmp("cancel-update-in-place")


class Matrix:
    """A guest that is updated between two programs, and what fails meanwhile."""

    def __init__(self, guest, programs, disks, longest_failure_ns, devices=()):
        """Its `disks` work, whose `devices` are passed through and must not be touched."""
        self.l1 = guest.l1
        self.injector = Injector(self.l1.slow)
        self.client = None
        self.kept = self.lost = self.unexpected = 0
        self.guest = guest
        self.programs = programs
        self.disks_at_work = disks
        self.longest_failure_ns = longest_failure_ns
        self.devices = devices
        self.start()

    def before_start(self):
        """What there is to do for a start of the guest."""

    def after_start(self):
        """The guest is as it has to be."""

    def start(self):
        """Let the guest run on the first binary."""
        self.current, self.next = self.programs
        self.guest.start(prepare=self.before_start)
        self.wait_for_io(20)
        self.injector.disarm()
        self.after_start()

    def end(self):
        """The guest never complained, and leaves its devices to the next."""
        self.guest.require_no_complaints()
        self.guest.virsh("destroy")

    def wait_for_io(self, requests):
        """All disks work."""
        for disk in self.disks_at_work:
            self.guest.wait_for_io(requests, job=f"io-{disk}")

    def program(self, who):
        """Name of the program that runs the guest, or of the one that is to run it."""
        return pathlib.Path(self.current if who == OLD else self.next).name

    def attempt(self, cell):
        """Start the update, do what is to be done meanwhile, and return the job."""
        l1 = self.l1
        before = job(self.guest)["job-id"]
        binary = cell.binary(self) if callable(cell.binary) else cell.binary or self.next
        if cell.fault:
            self.injector.arm(cell.fault, self.program(cell.fault.program))
        self.client = subprocess.Popen([TOOL, self.guest.name, str(binary)],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if cell.meanwhile:
            l1.wait_until(self.injector.fired if cell.fault else lambda: self.began(before), 30,
                          "the fault to begin")
            cell.meanwhile(self)
        _, said = self.client.communicate(timeout=90 * l1.slow)
        l1.log(f"{TOOL} ended with {self.client.returncode}: {said.strip()}")
        l1.wait_until(lambda: job(self.guest)["status"] != "running", 60, "the job to end")
        last = job(self.guest)
        l1.require(last["job-id"] == before + 1, "no job was started")
        l1.require(not cell.fault or self.injector.fired(), "the fault was never reached")
        self.injector.disarm()
        return last

    def began(self, before):
        """Whether a new job has."""
        return job(self.guest)["job-id"] > before

    def swap(self):
        """The guest runs on the other binary now."""
        self.current, self.next = self.next, self.current

    def try_cell(self, cell):
        """One cell; the time for which the guest was stopped, in ms."""
        l1, guest = self.l1, self.guest
        first, _, _ = l1.mark()
        last = self.attempt(cell)
        l1.require(last["status"] in cell.status,
                   f"the job ended as {last['status']}, not {cell.status}: {last.get('error')}")
        l1.require(cell.says in last.get("error", {}).get("desc", ""),
                   f"it failed for another reason: {last.get('error')}")
        if last["status"] == "completed":
            self.swap()
        else:
            l1.require(last["phase"] in (cell.phase, following(cell)),
                       f"it failed in {last['phase']}: {last.get('error')}")
        l1.require(guest.state() == "running", "the guest does not run")
        self.wait_for_io(20)
        stopped = last.get("pause", {}).get("total-ns", 0)
        l1.require(stopped <= self.longest_failure_ns * l1.slow, f"it was stopped for {stopped / 1e6} ms")
        update = Update(guest, str(self.next))
        self.swap()
        update.first_mark = (first, 0, 0)
        for device in self.devices:
            update.require_device_untouched(device)
        self.wait_for_io(10)
        return last["status"], stopped / 1e6, "vmm-pid" in last

    def is_at_work(self):
        """Whether the guest is there all the same: what was not as expected is the test's, then."""
        try:
            self.injector.disarm()
            self.wait_for_io(20)
            return self.guest.state() == "running"
        except Failure:
            return False

    def replace_guest(self):
        """Another guest in the place of one that is lost, or whose state is not known."""
        self.injector.disarm()
        self.guest.virsh("destroy", check=False)
        self.start()

    def run_cell(self, cell, again=True):
        """Report a cell; if it fails the guest is replaced, so that the others can be tried. If it is
        lost and the machine that emulates all this is seen to be at fault, the cell is tried again."""
        self.l1.log(f"=== {cell.phase}: {cell.name}")
        try:
            status, stopped, moved = self.try_cell(cell)
            self.kept += 1
        except Failure as failure:
            self.l1.log(f"not as expected: {failure}")
            status, stopped, moved = "LOST", 0, False
            if self.is_at_work():
                self.unexpected += 1
                status = "UNEXPECTED"
            else:
                broken = self.guest.breakdown()
            self.replace_guest()
            if status == "LOST" and broken and again:
                self.l1.report(f"| {cell.phase:8} | {cell.name:40} | MACHINE BROKE DOWN: {broken}")
                self.run_cell(cell, again=False)
                return
            self.lost += status == "LOST"
        self.l1.report(f"| {cell.phase:8} | {cell.name:40} | {status:11} | {stopped:8.1f} ms "
                       f"| {'other PID' if moved else 'same PID':9} |")


def following(cell):
    """A cancelled update ends at the border to the next phase."""
    phases = ["validate", "prepare", "save", "exec", "load", "resume", "finish"]
    return cell.phase if cell.meanwhile is not cancel else phases[phases.index(cell.phase) + 1]


def run_matrices(l1, matrices):
    """Pairs of a maker of a matrix and its cells; the last line tells how many guests were kept."""
    l1.report(f"| {'phase':8} | {'fault':40} | {'outcome':11} | {'stopped':>11} | {'process':9} |")
    kept = lost = unexpected = 0
    for make, cells in matrices:
        matrix = make()
        for cell in cells:
            matrix.run_cell(cell)
        matrix.end()
        kept += matrix.kept
        lost += matrix.lost
        unexpected += matrix.unexpected
    l1.report(f"{kept + lost} faults injected, {kept} guests kept, {lost} lost")
    l1.require(lost == 0, f"{lost} guests were lost")
    l1.require(unexpected == 0, f"{unexpected} faults did not come about, or not as expected")
