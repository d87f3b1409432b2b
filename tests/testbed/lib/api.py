# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of docs/api.md as printed there, and threads that all use the API at once."""

import pathlib
import re
import subprocess
import threading

from . import qemu
from .domain import Domain
from .l1 import Failure

PHASES = ["validate", "prepare", "save", "exec", "load", "resume", "finish"]
PROGRAM, SCRIPT = "update-guest", "update_guest.py"
COMPILER = "cc -std=c99 -Wall -o update-guest update-guest.c $(pkg-config --cflags --libs libvirt-cpr libvirt)"
PROGRAM_PAUSE = re.compile(r"paused for (\d+\.\d) ms")
SECONDS_OF_UPDATE = 90


# -- on the host ------------------------------------------------------------------------------------

def printed(page, language):
    """The first block of that language on a page."""
    return re.search(rf"\n```{language}\n(.*?)\n```\n", page, re.DOTALL).group(1) + "\n"


def prepare_programs(run, page):
    """Called on the host: the programs on the page, the one in C compiled by the printed command
    against the project as installed."""
    text = page.read_text(encoding="utf-8")
    if COMPILER not in text:
        raise ValueError(f"{page} does not have the command '{COMPILER}'")
    (run.share / f"{PROGRAM}.c").write_text(printed(text, "c"), encoding="utf-8")
    (run.share / SCRIPT).write_text(printed(text, "python"), encoding="utf-8")
    installed = run.stage / "usr/lib/pkgconfig/libvirt-cpr.pc"
    description = installed.read_text(encoding="utf-8")
    (run.share / installed.name).write_text(
        description.replace("prefix=/usr\n", f"prefix={run.stage}/usr\n")
        .replace("=/usr/", f"={run.stage}/usr/"), encoding="utf-8")
    subprocess.run(["sh", "-ec", COMPILER], cwd=run.share, check=True,
                   env={"PATH": "/usr/bin:/bin", "PKG_CONFIG_PATH": str(run.share)})


# -- in the machine ---------------------------------------------------------------------------------

def start_guest(l1):
    """A guest of stock QEMU that writes to its disk and prints."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, jobs=["io@vda", "ticker"], devices=(), shared_memory=False,
                   virtio=[qemu.disk(l1, "vda")])
    guest.start()
    guest.wait_for_io(20, job="io-vda")
    return guest


def run_printed_programs(l1, guest, uri):
    """The programs of the page: there and back, and a refusal."""
    for argv, binary in (([l1.share / PROGRAM], qemu.NEXT_QEMU),
                         (["python3", "-B", l1.share / SCRIPT], qemu.STOCK_QEMU)):
        told = l1.run(*argv, uri, guest.name, binary, timeout=SECONDS_OF_UPDATE).stdout
        l1.require(PROGRAM_PAUSE.search(told), f"the program does not tell of a pause: {told}")
        # Those before may have been over when they were asked for.
        l1.require("phase finish" in told, f"the program does not tell of phases: {told}")
        guest.wait_for_io(10, job="io-vda")
        refused = l1.run(*argv, uri, guest.name, "/nonexistent", check=False,
                         timeout=SECONDS_OF_UPDATE)
        l1.require(refused.returncode != 0 and "cannot be updated: " in refused.stderr and
                   "/nonexistent" in refused.stderr, f"no refusal: {refused.stderr}")


class Watcher:
    """A registration, and what it was told."""

    def __init__(self, cpr, domain, until=None):
        """Without end, or up to the end of the job `until`, which it deregisters in its callback."""
        self.cpr, self.domain, self.until = cpr, domain, until
        self.told = []
        self.threads = set()
        self.number = cpr.register_event(domain, self.on_change, self)

    def on_change(self, domain, job, opaque):
        """A change of any job."""
        assert domain is self.domain and opaque is self
        self.threads.add(threading.get_ident())
        self.told.append((job.id, job.status.name, job.phase, job.pause_ns))
        # other functions can be called from here
        self.cpr.job_info(domain)
        if self.until and self.until(job):
            self.cpr.deregister_event(domain, self.number)

    def of(self, job):
        """What was told of a job."""
        return [entry[1:] for entry in self.told if entry[0] == job]

    def stop(self):
        """Nothing more is told from now on."""
        self.cpr.deregister_event(self.domain, self.number)


class Crowd:
    """Threads that ask, check and try to update until they are stopped."""

    def __init__(self, l1, libvirt, cpr, uri, name):
        self.l1, self.libvirt, self.cpr, self.uri, self.name = l1, libvirt, cpr, uri, name
        self.connection = libvirt.open(uri)
        self.domain = self.connection.lookupByName(name)
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.checking = True
        self.checks = 0
        self.counts = {}
        self.problems = []

    def asker(self, domain):
        """Asks for the job."""
        job = self.cpr.job_info(domain)
        assert job.status.name in ("NONE", "RUNNING", "COMPLETED", "FAILED"), job

    def checker(self, domain):
        """Checks, beside somebody else who does, until the update begins: a check that follows the
        update at once would hide how it ended."""
        with self.lock:
            if not self.checking:
                return
            self.checks += 1
        try:
            assert self.cpr.check(domain), "the guest cannot be updated"
        except (self.cpr.JobActive, self.cpr.InvalidState) as error:
            # somebody else checks, or has begun to before the outcome was asked for
            assert error.code in ("job-active", "invalid-state"), error
        finally:
            with self.lock:
                self.checks -= 1

    def end_checks(self):
        """None is under way, and none will begin."""
        with self.lock:
            self.checking = False
        self.l1.wait_until(lambda: self.checks == 0, 30, "the checks to end")

    def loser(self):
        """Makes calls that fail, each with a reason of its own."""
        try:
            self.cpr.update(self.domain, mode="slow")
        except self.cpr.InvalidArgument as error:
            assert "'slow' is no mode" in str(error), error
        try:
            self.cpr.deregister_event(self.domain, 10**6)
        except self.cpr.InvalidArgument as error:
            assert "1000000 is no callback" in str(error), error

    def start(self):
        """The threads, one of them with a connection of its own."""
        own = self.libvirt.open(self.uri)
        works = {"asker": lambda: self.asker(self.domain), "loser": self.loser,
                 "checker": lambda: self.checker(self.domain),
                 "asker of its own": lambda: self.asker(own.lookupByName(self.name)),
                 "checker of its own": lambda: self.checker(own.lookupByName(self.name))}
        threads = [threading.Thread(target=self.work, args=entry) for entry in works.items()]
        self.l1.on_clean_up(self.over.set)
        for thread in threads:
            thread.start()
        return threads

    def work(self, name, do):
        """One thread."""
        self.counts[name] = 0
        while not self.over.wait(0.01):
            try:
                do()
                self.counts[name] += 1
            except Exception as error:  # pylint: disable=broad-except
                self.problems.append(f"{name}: {error!r}")
                return

    def update(self, binary):
        """An update by this thread among the others; its JobInfo, and what wait() told."""
        self.l1.sleep(1)
        self.end_checks()
        number = self.cpr.update(self.domain, emulator=str(binary))
        seen = []
        job = self.cpr.wait(self.domain, number, callback=lambda _domain, now, _opaque:
                            seen.append((now.status.name, now.phase, now.pause_ns)))
        self.l1.log(f"{job}: {job.params}")
        return job, seen

    def require_told(self, watcher, job, every_phase):
        """The watcher was told of the whole job, in order and in a thread of its own."""
        try:
            self.l1.wait_until(lambda: watcher.of(job.id) and watcher.of(job.id)[-1][0] == "COMPLETED",
                               30, "the callback to be told of the end")
        except Failure as failure:
            raise Failure(f"{failure}: of job {job.id}, {watcher.told} was told") from None
        told = watcher.of(job.id)
        phases = [phase for status, phase, _ in told if status == "RUNNING"]
        ranks = [PHASES.index(phase) for phase in phases]
        self.l1.require(ranks == sorted(set(ranks)), f"phases are out of order: {told}")
        self.l1.require(not every_phase or phases == PHASES, f"phases are missing: {told}")
        self.l1.require([status for status, _, _ in told].count("COMPLETED") == 1 and
                        told[-1][2] == job.pause_ns > 0, f"the end is not told: {told}")
        self.l1.require(len(watcher.threads) == 1 and
                        threading.get_ident() not in watcher.threads,
                        "the callback was called from more threads than its own")


def require_threads_get_along(l1, libvirt, cpr, uri, guest, binary, every_phase):
    """An update, with callbacks and calls of several threads. With an event loop every phase is
    seen."""
    crowd = Crowd(l1, libvirt, cpr, uri, guest.name)
    watchers = [Watcher(cpr, crowd.domain) for _ in range(2)]
    # a check has no pause
    once = Watcher(cpr, crowd.domain, until=lambda job: job.status.name == "COMPLETED" and
                   job.pause_ns is not None)
    threads = crowd.start()
    job, seen = crowd.update(binary)
    l1.require(seen[-1][0] == "COMPLETED" and seen[-1][2] == job.pause_ns,
               f"wait() did not tell of the end: {seen}")
    for watcher in (*watchers, once):
        crowd.require_told(watcher, job, every_phase)
    crowd.over.set()
    for thread in threads:
        thread.join()
    l1.log(f"calls: {crowd.counts}")
    l1.require(not crowd.problems, f"calls failed: {crowd.problems}")
    l1.require(all(crowd.counts.values()), f"threads did nothing: {crowd.counts}")
    for watcher in watchers:
        watcher.stop()
    counts = [len(watcher.told) for watcher in (*watchers, once)]
    l1.require(cpr.check(crowd.domain), "the guest cannot be updated any more")
    l1.require(counts == [len(watcher.told) for watcher in (*watchers, once)],
               "callbacks were called after their end")
    guest.wait_for_io(10, job="io-vda")
    return crowd
