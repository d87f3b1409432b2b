# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one scenario inside L1 and leaves its result on the share."""

import importlib.util
import pathlib
import shutil
import sys
import traceback

FILES = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FILES))

from lib.connection import Connection  # noqa: E402
from lib.l1 import L1  # noqa: E402
from lib.qemu import STOCK_QEMU  # noqa: E402


def load(name):
    """The module of a scenario."""
    spec = importlib.util.spec_from_file_location("scenario", FILES / "scenarios" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hide_stock_qemu():
    """libvirt probes every QEMU that it finds, each for many seconds of this slow machine and in the
    middle of what is looked at. The root is an overlay: the tree keeps its QEMU."""
    for program in pathlib.Path("/usr/bin").glob("qemu-system-*"):
        program.unlink()


def move_stock_qemu():
    """To where only the project's emulator programs find it."""
    STOCK_QEMU.parent.mkdir()
    shutil.move("/usr/bin/qemu-system-x86_64", STOCK_QEMU)


def main():
    """Exit status is of no use here: the host reads the result file."""
    l1 = L1(Connection())
    name = l1.cmdline_option("testbed.scenario")
    try:
        scenario = load(name)
        if getattr(scenario, "QEMU_BACKEND", False):
            move_stock_qemu()
        if not getattr(scenario, "STOCK_QEMU", False):
            hide_stock_qemu()
        l1.wait_for_libvirt()
        scenario.run(l1)
        result = "pass"
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc(file=sys.stdout)
        result = "FAIL " + (" ".join(str(error).split()) or type(error).__name__)
        l1.record_exits()
    finally:
        l1.clean_up()
    print(f"result: {result}", flush=True)
    (l1.share / "result").write_text(result + "\n", encoding="utf-8")


main()
