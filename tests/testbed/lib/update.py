# SPDX-License-Identifier: LGPL-2.1-or-later
"""Updates of a domain, and what has to hold of each."""

import pathlib
import re

from .l1 import Failure
from .process import Holdings, processes_named, start_time
from .trace import NVME_DEVICES

VMM = "/usr/libexec/libvirt-cpr/cpr-vmm"
NEXT_VMM = "/usr/libexec/libvirt-cpr/cpr-vmm-next"
CONFIG = pathlib.Path("/etc/libvirt-cpr/emulators.conf")
TOOL = "virt-update-in-place"
FRONT_END = "/usr/libexec/libvirt-cpr/virsh"
EMULATORS_TOOL = "virt-cpr-emulators"
CONTROLLER = "virt-cpr-controller"
# Whatever runs for a domain.
PROGRAMS = ("virt-cpr-emulator", CONTROLLER, "cpr-vmm", "cpr-vmm-next")

# How late a line of the console may be read.
OBSERVER_SLACK_NS = 100_000_000

# How long a guest that runs again may take to its next tick: it shares L1's processor with the
# programs of the update, and meets each page of its memory anew.
GOING_AGAIN_NS = 1_000_000_000

PAUSE_PARTS = ("save-ns", "exec-ns", "load-ns", "resume-ns")


def controller_pid(l1):
    """PID of the only controller."""
    pids = processes_named(CONTROLLER)
    l1.require(len(pids) == 1, f"there are {len(pids)} controllers instead of one: {pids}")
    return pids[0]


def require_nothing_left(l1):
    """No process of a domain lives on, or will for long."""
    def left():
        return [f"{name} {pid}" for name in PROGRAMS for pid in processes_named(name)]
    try:
        l1.wait_until(lambda: not left(), 15, "the processes of the domain to end")
    except Failure:
        raise Failure(f"processes were left behind: {left()}") from None


def job(guest):
    """The current or last update of the domain, as its controller tells it."""
    return guest.qmp("query-update-in-place")


def set_deadlines(milliseconds):
    """Write deadlines of updates, by their keys, into emulators.conf."""
    with open(CONFIG, "a", encoding="utf-8") as config:
        for name, value in milliseconds.items():
            config.write(f"{name}={value}\n")


def holdings(guest):
    """What VMM and controller hold now."""
    return Holdings(guest.pid()), Holdings(controller_pid(guest.l1))


class Update:
    """One update that was done and succeeded, with all that does not depend on the scenario."""

    def __init__(self, guest, binary=None, command=(TOOL,)):
        """Update by the command (a tool and its options before the domain's name); without a
        binary to what emulators.conf names. Fails the scenario if anything is not as it must be."""
        l1 = guest.l1
        self.guest = guest
        pid, began = guest.pid(), start_time(guest.pid())
        generation = job(guest)["generation"]
        self.first_mark = l1.mark()
        result = l1.run(*command, guest.name, *([binary] if binary else []), timeout=90)
        self.output = result.stdout + result.stderr
        self.last_mark = l1.mark()
        self.job = job(guest)
        l1.log(f"job: {self.job}")
        l1.require(self.job["status"] == "completed", f"the update ended as {self.job['status']}")
        l1.require(self.job["generation"] == generation + 1, "the generation was not counted")
        l1.require(guest.pid() == pid and start_time(pid) == began, "the domain's process changed")
        l1.require(guest.state() == "running", f"the domain is {guest.state()} after the update")
        if binary:
            l1.require(self.job["new"]["binary"] == binary, "another binary was taken")
        self.check_pause()

    def check_pause(self):
        """The parts of the pause are all there and add up."""
        self.guest.l1.require("pause" in self.job, "the guest did not run before the update")
        pause = self.pause
        parts = sum(pause[name] for name in PAUSE_PARTS)
        self.guest.l1.require(
            parts == pause["total-ns"] == pause["running-at-ns"] - pause["stopped-at-ns"] > 0,
            f"the parts of the pause do not add up: {pause}")

    @property
    def pause(self):
        """The pause, by phase."""
        return self.job["pause"]

    def describe_pause(self):
        """The pause for a reader."""
        parts = ", ".join(f"{name.removesuffix('-ns')} {self.pause[name] / 1e6:.1f}"
                          for name in PAUSE_PARTS)
        return f"{self.pause['total-ns'] / 1e6:.1f} ms ({parts})"

    def trace(self):
        """What the devices saw while the update ran."""
        return self.guest.l1.trace_between(self.first_mark[0], self.last_mark[0])

    def require_device_untouched(self, device=NVME_DEVICES[0]):
        """Neither reset nor stopped nor reconfigured."""
        trace = self.trace()
        control, writes = trace.nvme_control(), trace.config_writes(device)
        self.guest.l1.require(not control, f"the controller was touched: {control[:3]}")
        self.guest.l1.require(not writes, f"the device was reconfigured: {writes[:3]}")

    def require_all_untouched(self, *devices):
        """No NVMe or SATA controller reset, and none of these devices reconfigured; masking INTx is
        no reconfiguration."""
        trace = self.trace()
        touched = trace.nvme_control() + trace.resets("ich9-ahci")
        self.guest.l1.require(not touched, f"a controller was touched: {touched[:3]}")
        for device in devices:
            writes = trace.reconfigurations(device)
            self.guest.l1.require(not writes, f"{device} was reconfigured: {writes[:3]}")

    def observed_gap_ns(self):
        """How long no tick arrived around the pause, by the console's reader."""
        arrivals = [arrival for arrival, _ in ticks(self.guest.console)]
        stopped, running = self.pause["stopped-at-ns"], self.pause["running-at-ns"]
        gaps = [after - before for before, after in zip(arrivals, arrivals[1:])
                if before < running and after > stopped]
        self.guest.l1.require(gaps, "no ticks around the pause")
        return max(gaps)

    def require_pause_seen_outside(self, usual_gap_ns):
        """The console was silent for as long as the reported pause, and not much longer."""
        l1 = self.guest.l1
        gap, total = self.observed_gap_ns(), self.pause["total-ns"]
        l1.log(f"pause {self.describe_pause()}; seen on the console {gap / 1e6:.1f} ms, "
               f"usually up to {usual_gap_ns / 1e6:.1f} ms")
        slack = (2 * usual_gap_ns + GOING_AGAIN_NS) * l1.slow
        l1.require(total <= gap + OBSERVER_SLACK_NS and gap <= total + slack,
                   f"the reported pause is {total / 1e6:.1f} ms, but on the console "
                   f"{gap / 1e6:.1f} ms passed without a tick")


def ticks(console, since=0):
    """(time of arrival in ns, sequence number) of each tick."""
    found = ((arrival, re.fullmatch(r"tick (\d+) (\d+)", text))
             for arrival, text in console.snapshot(since))
    return [(arrival, int(match.group(1))) for arrival, match in found if match]


def usual_gap_ns(console, since=0):
    """The longest time between two ticks in quiet operation."""
    arrivals = [arrival for arrival, _ in ticks(console, since)]
    return max(after - before for before, after in zip(arrivals, arrivals[1:]))


def require_each_tick_once(l1, console):
    """No tick was lost, repeated or torn."""
    numbers = [number for _, number in ticks(console)]
    wrong = [(a, b) for a, b in zip(numbers, numbers[1:]) if b != a + 1]
    l1.require(len(numbers) > 10, "there are no ticks on the console")
    l1.require(not wrong, f"ticks on the console do not follow one another: {wrong[:5]}")
    l1.log(f"{len(numbers)} ticks, each once")
