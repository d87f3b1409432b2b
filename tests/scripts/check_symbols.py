#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that liblibvirt-cpr exports what its version script names and its header declares."""
import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CPR_BUILDDIR", TOP / "build"))


def names_in_map(text):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return set(re.findall(r"^\s*(\w+);", text, flags=re.MULTILINE))


def names_in_header(text):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return set(re.findall(r"^[\w *]+?\b(vir\w+)\(", text, flags=re.MULTILINE))


def names_exported(library):
    output = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in output.splitlines()
            if line.split()[-2] != "A"}


def main():
    library = BUILD / ".libs/liblibvirt-cpr.so"
    wanted = names_in_map((TOP / "src/client/libvirt_cpr.map").read_text())
    sets = {
        "the header": names_in_header((TOP / "include/libvirt-cpr/libvirt-cpr.h").read_text()),
        "the library": names_exported(library),
    }
    failed = not wanted
    for where, names in sets.items():
        for name in sorted(wanted ^ names):
            place = "only in the version script" if name in wanted else f"only in {where}"
            print(f"{name}: {place}")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
