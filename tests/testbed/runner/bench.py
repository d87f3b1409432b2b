# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line of scripts/bench: runs scenarios that measure, and makes a table of what they found."""

import argparse
import contextlib
import json
import pathlib
import statistics
import sys
import time

from .cli import add_run_options
from .common import TestbedError
from .run import run_scenarios

# Name of a benchmark -> part of the results -> scenario.
BENCHES = {"pause": {"vfio": "bench-pause-vfio", "plain": "bench-pause-plain"}}
PARTS = {
    "vfio": "a passed-through NVMe disk at work, in the testbed's emulated machine",
    "plain": "a kernel that does next to nothing, on this machine, by its KVM",
}


def summary(measured):
    """One case, for people and programs."""
    return {"median_ms": round(statistics.median(measured["pause_ms"]), 3),
            "worst_ms": round(max(measured["pause_ms"]), 3),
            "total_median_ms": round(statistics.median(measured["total_ms"]), 3),
            "runs": len(measured["pause_ms"])}


def print_table(results):
    """For people."""
    for part, cases in results.items():
        print(f"\n{part}: {PARTS.get(part, '')}")
        print(f"  {'':20} {'pause (median)':>15} {'worst':>10} {'total':>10} {'runs':>5}")
        for case, found in cases.items():
            print(f"  {case:20} {found['median_ms']:12.1f} ms {found['worst_ms']:7.1f} ms "
                  f"{found['total_median_ms']:7.1f} ms {found['runs']:5}")


def run_bench(options, name):
    """The results of one benchmark."""
    results = {}
    for part, scenario in BENCHES[name].items():
        logs = options.logs / name
        options.scenario = [scenario]
        if run_scenarios(argparse.Namespace(**{**vars(options), "logs": logs})):
            raise TestbedError(f"{scenario} failed; its logs are in {logs / scenario}")
        measured = json.loads((logs / scenario / "measurements.json").read_text(encoding="ascii"))
        results[part] = {case: summary(found) for case, found in measured.items()}
    return results


def build_parser():
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures side by side, in one run, what QEMU does by itself, what the project "
                    "does with QEMU, and cpr-vmm. Prints a table, and leaves JSON beside the logs.")
    parser.add_argument("bench", nargs="*", metavar="NAME", choices=[[], *BENCHES],
                        help=f"one of: {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and no table")
    add_run_options(parser)
    return parser


def main():
    """Entry of scripts/bench; returns the exit status."""
    options = build_parser().parse_args()
    options.jobs = 1  # they would disturb each other
    options.logs = options.logs or pathlib.Path.cwd() / "testbed-logs" / time.strftime(
        "bench-%Y%m%d-%H%M%S")
    try:
        for name in options.bench or BENCHES:
            with contextlib.redirect_stdout(sys.stderr):  # the scenarios' results are progress here
                results = run_bench(options, name)
            text = json.dumps(results, indent=2)
            (options.logs / f"{name}.json").write_text(text + "\n", encoding="ascii")
            if options.json:
                print(text)
            else:
                print_table(results)
    except TestbedError as error:
        print(f"bench: error: {error}", file=sys.stderr)
        return 2
    return 0
