# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs scenarios: each in an L1 of its own, with a folder that keeps its logs."""

import concurrent.futures
import contextlib
import importlib.util
import pathlib
import sys
import tempfile
import time

from .cloud import ensure_openstack
from .common import TESTBED_DIR, TestbedError, cache_dir, ensure_host_packages, say
from .container import Container
from .images import ensure_images
from .layer import ensure_layer
from .machine import Machine
from .packages import build_packages
from .stage import add_host_program, make_files, make_stage
from .tree import RELEASES, ensure_tree

SCENARIOS_DIR = TESTBED_DIR / "scenarios"
DEFAULT_TIMEOUT_S = 180
DEFAULT_MEMORY_MIB = 4096
CONSOLE_LINES = 25


def scenario_names():
    """All scenarios, by the names of their files."""
    return sorted(path.stem for path in SCENARIOS_DIR.glob("*.py"))


def load_scenario(name):
    """The module of a scenario."""
    if name not in scenario_names():
        raise TestbedError(f"unknown scenario '{name}'; scripts/testbed list names them all")
    spec = importlib.util.spec_from_file_location(
        "scenario_" + name.replace("-", "_"), SCENARIOS_DIR / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def host_programs(options):
    """What the scenarios to be run take from the host: paths, and the packages that they are in."""
    programs = {}
    for name in getattr(options, "scenario", []):
        programs.update(getattr(load_scenario(name), "HOST_PROGRAMS", {}))
    return programs


class Run:
    """The folders of one scenario's run."""

    def __init__(self, share, stage, files):
        self.share = share
        self.stage = stage
        self.files = files

    def leave_out_project(self):
        """What the scenario runs in has nothing of the project: it installs that itself."""
        self.stage = self.share / "nothing"
        self.stage.mkdir()

    def nvme_image(self, number):
        """The backing file of L1's NVMe disk `number` (1 or 2)."""
        return self.share / f"nvme{number}.img"


class Session:
    """What all runs of one call of scripts/testbed share."""

    def __init__(self, options):
        self.options = options
        self.logs = options.logs or (
            pathlib.Path.cwd() / "testbed-logs" / time.strftime("%Y%m%d-%H%M%S"))
        self.scratch = None
        self.tree = None
        self.l1_image = None
        self.machines = []

    @contextlib.contextmanager
    def prepared(self):
        """Everything that has to be built is there, as long as the context is entered."""
        programs = host_programs(self.options)
        ensure_host_packages(programs)
        self.tree = ensure_tree(RELEASES[self.options.release])
        self.l1_image, guest_image = ensure_images(self.tree)
        with tempfile.TemporaryDirectory(prefix="stage.", dir=cache_dir()) as scratch:
            self.scratch = pathlib.Path(scratch)
            make_stage(self.scratch / "stage", self.options.build_dir, not self.options.no_build)
            make_files(self.scratch / "files", self.tree, self.scratch / "stage", guest_image)
            for path in programs:
                add_host_program(self.scratch / "files", self.tree, path)
            yield self

    def new_run(self, name):
        """A run's log folder, made."""
        share = self.logs / name
        share.mkdir(parents=True)
        return Run(share, self.scratch / "stage", self.scratch / "files")

    def run_scenario(self, name):
        """Run a scenario, once more if the emulated machine is what failed; None or why it failed,
        and what it has to tell beside."""
        began = time.monotonic()
        run, why = self.attempt(name, name)
        broken = run.share / "broken-down"
        if why is not None and broken.exists():
            say(f"{name}: MACHINE BROKE DOWN: {broken.read_text(encoding='utf-8').strip()}; "
                f"once more, instead of: {why}")
            run, why = self.attempt(name, f"{name}-again")
        say(f"{name}: took {time.monotonic() - began:.0f} s")
        report = run.share / "report"
        return why, report.read_text(encoding="utf-8") if report.exists() else ""

    def attempt(self, name, folder):
        """Run a scenario once; its run, and None or why it failed."""
        run = self.new_run(folder)
        say(f"{name}: logs in {run.share}")
        return run, self.run_once(name, run)

    def run_once(self, name, run):
        """None, or why the scenario failed."""
        scenario = load_scenario(name)
        if hasattr(scenario, "host_prepare"):
            scenario.host_prepare(run)
        if getattr(scenario, "PACKAGED", False):
            build_packages(self.tree, run)
            run.leave_out_project()
        slow = self.options.slow
        short = self.options.short
        machine = self.start_machine(
            scenario, run, f"testbed.scenario={name} testbed.slow={slow}" + " testbed.short" * short)
        limit = getattr(scenario, "TIMEOUT_S", DEFAULT_TIMEOUT_S)
        if short:
            limit = getattr(scenario, "SHORT_TIMEOUT_S", limit)
        limit *= slow
        in_time = machine.wait(limit)
        machine.stop()
        if not in_time:
            return f"timed out after {limit} s\n{console_tail(run)}"
        if machine.process.returncode != 0:
            return f"the machine ended with status {machine.process.returncode}\n{console_tail(run)}"
        return self.judge(scenario, run)

    def start_machine(self, scenario, run, append):
        """What the scenario runs in: the emulated machine, or a container of the host."""
        if getattr(scenario, "IN_CONTAINER", False):
            machine = Container(self.tree, run, self.layers(scenario))
            self.machines.append(machine)
            machine.start(append, kvm=getattr(scenario, "HOST_KVM", False))
        else:
            machine = Machine(self.tree, run, self.l1_image,
                              getattr(scenario, "MEMORY_MIB", DEFAULT_MEMORY_MIB))
            self.machines.append(machine)
            machine.start(append, trace_io=getattr(scenario, "TRACE_IO", False),
                          iops=getattr(scenario, "NVME_IOPS", 0))
        return machine

    def layers(self, scenario):
        """What the scenario needs over the tree."""
        if getattr(scenario, "OPENSTACK", False):
            return ensure_openstack(self.tree)
        packages = getattr(scenario, "TREE_PACKAGES", None)
        return [ensure_layer(self.tree, packages)] if packages else []

    def stop(self):
        """End all machines that still run."""
        for machine in self.machines:
            machine.stop()

    @staticmethod
    def judge(scenario, run):
        """What came out of a run that ended by itself."""
        result = run.share / "result"
        if not result.exists():
            return f"L1 ended without a result{panic(run)}\n{console_tail(run)}"
        text = result.read_text(encoding="utf-8").strip()
        if text != "pass":
            return text.removeprefix("FAIL ")
        if hasattr(scenario, "host_check"):
            return scenario.host_check(run)
        return None

    def shell(self):
        """An interactive L1 on the terminal."""
        run = self.new_run("shell")
        machine = Machine(self.tree, run, self.l1_image, DEFAULT_MEMORY_MIB)
        machine.start("testbed.shell", interactive=True)
        machine.process.wait()


def console_lines(run):
    """What L1's console shows, less empty lines."""
    try:
        text = (run.share / "console.log").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        text = ""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def panic(run):
    """Why L1's kernel gave up, to be put after what came of it; empty if it did not."""
    found = [line for line in console_lines(run) if "Kernel panic" in line]
    return f": {found[0][found[0].index('Kernel panic'):]}" if found else ""


def console_tail(run):
    """The last lines of L1's console, for a report."""
    lines = console_lines(run)[-CONSOLE_LINES:]
    log = run.share / "scenario.log"
    if log.exists():
        lines += ["-- scenario.log:"]
        lines += log.read_text(encoding="utf-8", errors="replace").splitlines()[-CONSOLE_LINES:]
    return "\n".join("    " + line for line in lines)


def run_scenarios(options):
    """Run the scenarios of the command line, as many at a time as it says; the exit status."""
    for name in options.scenario:
        load_scenario(name)
    failed = False
    with Session(options).prepared() as session, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = {pool.submit(session.run_scenario, name): name for name in options.scenario}
        try:
            for run in concurrent.futures.as_completed(runs):
                name, (why, report) = runs[run], run.result()
                failed = failed or why is not None
                result = "pass" if why is None else f"FAIL {why}"
                # In one write, or progress of other scenarios gets between text and end of line.
                sys.stdout.write(f"{name}: {result}\n{report}")
                sys.stdout.flush()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            session.stop()
            raise
    return 1 if failed else 0


def run_shell(options):
    """`scripts/testbed shell`."""
    if not sys.stdin.isatty():
        raise TestbedError("'shell' needs a terminal")
    with Session(options).prepared() as session:
        session.shell()
    return 0
