#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that AppArmor's parser takes what is added to libvirt's profiles of guests.

CPR_BUILDDIR in the environment names the folder of the build; without it, build/ beside src/.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CPR_BUILDDIR", TOP / "build"))
ADDED = BUILD / "data/apparmor/libvirt-cpr"
FOLDER = "abstractions/libvirt-qemu.d"
SYSTEM = "/etc/apparmor.d"

# As libvirt's template for guests has it.
PROFILE = f"""include <tunables/global>
profile libvirt-guest flags=(attach_disconnected) {{
  include <abstractions/base>
  include if exists <abstractions/libvirt-qemu>
  include <{FOLDER}>
}}
"""


def complaints(parser):
    """What the parser has against the rules."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / FOLDER).mkdir(parents=True)
        shutil.copy(ADDED, folder / FOLDER)
        (folder / "profile").write_text(PROFILE, encoding="utf-8")
        result = subprocess.run(
            [parser, "--skip-kernel-load", "--skip-cache", "--quiet", "--base", SYSTEM,
             "--Include", folder, folder / "profile"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return [result.stdout.strip() or "refused"] if result.returncode else []


def executed(text):
    """Regular expressions of the paths that may be executed without leaving the profile."""
    found = []
    for path in re.findall(r"^ +(/\S+) rmix,$", text, flags=re.MULTILINE):
        pattern = re.escape(path).replace(r"\{", "(").replace(r"\}", ")").replace(",", "|")
        found.append(pattern.replace(r"\*", "[^/]*"))
    return found


def programs():
    """What is executed for guests of this very installation."""
    names = {"emulators.conf": r"^binary=(.*)", "data/check-unused": r"(/\S*/virt-cpr-\w+)\""}
    return {path for name, pattern in names.items() for path in
            re.findall(pattern, (BUILD / name).read_text(encoding="utf-8"), flags=re.MULTILINE)}


def main():
    search_path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    parser = shutil.which("apparmor_parser", path=search_path)
    if parser is None:
        print("skipped: apparmor_parser is not installed (Debian package apparmor)")
        return 77
    allowed = executed(ADDED.read_text(encoding="utf-8"))
    problems = complaints(parser)
    wanted = {pathlib.Path(path).name: path for path in programs()}
    for name in ("cpr-vmm", "virt-cpr-controller", "virt-cpr-emulator"):
        if name not in wanted:
            problems.append(f"{name}: not found in the build")
        elif not any(re.fullmatch(pattern, wanted[name]) for pattern in allowed):
            problems.append(f"{wanted[name]} may not be executed")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
