# SPDX-License-Identifier: LGPL-2.1-or-later
"""L1 as a scenario sees it: programs, libvirt's daemon, marks in the outside trace."""

import os
import pathlib
import re
import signal
import subprocess
import time

from .trace import EDU_DEVICE, MARK_REGISTER, Trace

FILES = pathlib.Path("/usr/lib/libvirt-cpr-testbed")


TRACEFS = pathlib.Path("/sys/kernel/tracing")


class Failure(Exception):
    """The scenario failed; the text says why."""


class L1:
    """Given to each scenario's `run`."""

    def __init__(self, connection):
        """`connection` is one to libvirt's daemon (connection.Connection)."""
        self.connection = connection
        self.share = pathlib.Path("/testbed")
        self.started = time.monotonic()
        self.slow = int(self.cmdline_option("testbed.slow") or 1)
        self.short = "testbed.short" in self.cmdline().split()
        # A container of the host has none of L1's devices; without KVM guests are emulated.
        self.in_container = "testbed.container" in self.cmdline().split()
        self.has_kvm = pathlib.Path("/dev/kvm").exists()
        self.marks = 0
        self.cleanups = []

    # -- reporting ------------------------------------------------------------------------------

    def log(self, text):
        """A line in the scenario's log, with the time since its begin."""
        print(f"[{time.monotonic() - self.started:7.2f}] {text}", flush=True)

    def report(self, text):
        """A line that the run shows beside the scenario's result."""
        self.log(text)
        with open(self.share / "report", "a", encoding="utf-8") as file:
            file.write(text + "\n")

    def report_table(self, lines):
        """Leave (name, value) pairs for whoever reads scripts/demo."""
        text = "".join(f"  {name + ':':32} {value}\n" for name, value in lines)
        (self.share / "report.txt").write_text(text, encoding="utf-8")
        self.log("report:\n" + text)

    def break_down(self, why):
        """The machine that emulates all this is at fault: see the testbed's README."""
        self.log(f"MACHINE BROKE DOWN: {why}")
        (self.share / "broken-down").write_text(why + "\n", encoding="utf-8")

    @staticmethod
    def require(condition, why):
        """Fail the scenario with `why` unless the condition holds."""
        if not condition:
            raise Failure(why)

    def sleep(self, seconds):
        """Let time pass."""
        self.log(f"waiting {seconds} s")
        time.sleep(seconds)

    def wait_until(self, condition, seconds, what, pause=0.05):
        """Poll until condition() is true, and return its value; fail after `seconds`."""
        end = time.monotonic() + seconds * self.slow
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise Failure(f"waited {seconds} s in vain for {what}")
            time.sleep(pause)

    def on_clean_up(self, function):
        """Call the function when the scenario is over, however it ends."""
        self.cleanups.append(function)

    def clean_up(self):
        """Run what on_clean_up collected, latest first; a failure there is only logged."""
        while self.cleanups:
            try:
                self.cleanups.pop()()
            except Exception as error:  # pylint: disable=broad-except
                self.log(f"clean-up: {error}")

    # -- programs -------------------------------------------------------------------------------

    def run(self, *argv, check=True, timeout=60):
        """Run a program; its output goes to the log and is returned."""
        argv = [str(a) for a in argv]
        begin = time.monotonic()
        try:
            result = subprocess.run(argv, text=True, capture_output=True, check=False,
                                    stdin=subprocess.DEVNULL, timeout=timeout * self.slow)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"'{' '.join(argv)}' did not end within {timeout} s; "
                          f"it printed: {error.stdout} {error.stderr}") from None
        except FileNotFoundError:
            raise Failure(f"program '{argv[0]}' is not there") from None
        spent = time.monotonic() - begin
        self.log(f"$ {' '.join(argv)}  -> {result.returncode} ({spent:.2f} s)")
        for line in (result.stdout + result.stderr).splitlines():
            if line:
                self.log("    " + line)
        if check and result.returncode != 0:
            raise Failure(f"'{' '.join(argv)}' failed: {result.stderr.strip()}")
        return result

    def virsh(self, *arguments, **options):
        """Run virsh; returns its standard output."""
        return self.run("virsh", *arguments, **options).stdout.strip()

    # -- libvirt --------------------------------------------------------------------------------

    def libvirt_pid(self):
        """PID of libvirt's daemon."""
        return int(pathlib.Path("/run/libvirtd.pid").read_text(encoding="ascii"))

    def wait_for_libvirt(self):
        """Wait until the daemon answers."""
        def answers():
            result = subprocess.run(["virsh", "uri"], capture_output=True, check=False)
            return result.returncode == 0
        self.wait_until(answers, 60, "libvirtd to answer")
        self.log("libvirtd answers")

    def restart_libvirt(self):
        """Stop the daemon and start it again, as its service would."""
        pid = self.libvirt_pid()
        os.kill(pid, signal.SIGTERM)
        self.wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), 30, "libvirtd to end")
        self.run("libvirtd", "-d")
        self.wait_for_libvirt()

    # -- the machine ----------------------------------------------------------------------------

    def load_modules(self, *names):
        """Load modules of L1's kernel; a container's host has what it has."""
        if not self.in_container:
            self.run("modprobe", "-a", *names)

    def record_exits(self):
        """Leave on the share for what the guests' vCPUs leave the guest now, and what the threads
        of VMMs and controllers wait for: the first thing to look at when a guest hangs."""
        if self.in_container:
            return
        subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACEFS], check=False)
        enable = TRACEFS / "events/kvm/kvm_exit/enable"
        enable.write_text("1", encoding="ascii")
        time.sleep(1)
        enable.write_text("0", encoding="ascii")
        lines = (TRACEFS / "trace").read_text(encoding="ascii").splitlines()
        (self.share / "kvm-exits.log").write_text("\n".join(lines[-500:]), encoding="ascii")
        threads = subprocess.run(["ps", "-eLo", "pid,tid,stat,time,wchan:30,comm"], text=True,
                                 capture_output=True, check=False).stdout
        (self.share / "threads.log").write_text(threads, encoding="utf-8")

    @staticmethod
    def cmdline():
        """L1's kernel command line."""
        return pathlib.Path("/proc/cmdline").read_text(encoding="ascii")

    @classmethod
    def cmdline_option(cls, name):
        """Value of NAME=VALUE on L1's kernel command line."""
        found = re.search(rf"(?:^|\s){re.escape(name)}=(\S+)", cls.cmdline())
        return found.group(1) if found else None

    def trace(self):
        """What the devices have seen so far, as L1's QEMU recorded it outside."""
        path = self.share / "qemu-trace.log"
        return Trace.parse(path.read_text(encoding="ascii", errors="replace"))

    def trace_between(self, first, last):
        """The part of the trace between two marks."""
        self.wait_until(lambda: self.trace().mark_index(last) is not None, 10, "the trace")
        return self.trace().between(first, last)

    def mark(self):
        """Put a mark into the outside trace: a write to a register that nothing uses. Returns
        (number, time before, time after) on L1's CLOCK_MONOTONIC, in ns. In a container there is no
        trace, and only the times are of use."""
        self.marks = self.marks % 254 + 1
        path = f"/sys/bus/pci/devices/0000:{EDU_DEVICE}/config"
        before = time.monotonic_ns()
        if self.in_container:
            return self.marks, before, before
        with open(path, "r+b", buffering=0) as config:
            config.seek(MARK_REGISTER)
            before = time.monotonic_ns()
            config.write(bytes([self.marks]))
            after = time.monotonic_ns()
        return self.marks, before, after
