# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line of scripts/testbed."""

import argparse
import pathlib
import signal
import sys

from .common import TestbedError
from .run import load_scenario, run_scenarios, run_shell, scenario_names
from .tree import RELEASES, TRIXIE


def list_scenarios(options):
    """`scripts/testbed list`: name and first line of each scenario's description."""
    for name in scenario_names():
        scenario = load_scenario(name)
        if options.check and getattr(scenario, "BY_HAND", False):
            continue
        description = (scenario.__doc__ or "").strip().splitlines()
        print(f"{name:28}{description[0] if description else ''}".rstrip())
    return 0


def positive(text):
    """A number of at least 1."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of at least 1")
    return int(text)


def add_run_options(parser):
    """What all commands that start a machine have."""
    parser.add_argument("--short", action="store_true",
                        help="the short form of scenarios that have one")
    parser.add_argument("--slow", type=positive, default=1, metavar="N",
                        help="be N times as patient, for a busy host")
    parser.add_argument("--no-build", action="store_true",
                        help="use what is built already, even if that is nothing")
    parser.add_argument("--build-dir", type=lambda text: pathlib.Path(text).resolve(),
                        help="a folder configured with --prefix=/usr --sysconfdir=/etc "
                             "--localstatedir=/var --libexecdir=/usr/libexec "
                             "(default: build-testbed, made at need)")
    parser.add_argument("--release", choices=sorted(RELEASES), default=TRIXIE.suite,
                        help="the Debian release of the tree (default: %(default)s); only containers "
                             "can be of another")
    parser.add_argument("--logs", type=lambda text: pathlib.Path(text).resolve(),
                        help="folder of the logs (default: testbed-logs/TIME)")


def build_parser():
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="scripts/testbed",
        description="Boots an emulated machine with VFIO, nested KVM and stock libvirt, "
                    "and runs scenarios in it.")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="list the scenarios")
    listing.add_argument("--check", action="store_true",
                         help="only those that scripts/check runs")
    listing.set_defaults(call=list_scenarios)
    run = commands.add_parser("run", help="run scenarios")
    run.add_argument("scenario", nargs="+", metavar="SCENARIO")
    run.add_argument("--jobs", type=positive, default=1, metavar="N",
                     help="run N scenarios at a time; each keeps one processor of the host busy")
    run.set_defaults(call=run_scenarios)
    shell = commands.add_parser("shell", help="a shell in the machine")
    shell.set_defaults(call=run_shell)
    for command in (run, shell):
        add_run_options(command)
    return parser


def main():
    """Entry of scripts/testbed; returns the exit status."""
    options = build_parser().parse_args()
    # ended from outside, leave nothing behind either
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return options.call(options)
    except TestbedError as error:
        print(f"testbed: error: {error}", file=sys.stderr)
        return 2
