#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that the commands that the documentation tells to type have only options that there are.

The options are those of the programs' own help. CPR_BUILDDIR in the environment names the folder of
the build; without it, build/ beside src/.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CPR_BUILDDIR", TOP / "build"))

# What a reader types, and the command that tells what there is.
HELPS = {
    "virt-update-in-place": ["virt-update-in-place", "--help"],
    "virt-cpr-emulators": ["virt-cpr-emulators", "--help"],
    "cpr-inspect": ["cpr-inspect", "--help"],
    "virsh update-in-place": ["src/tools/virsh", "help", "update-in-place"],
}
CODE = re.compile(r"^```\w*\n(.*?)^```|^((?: {4}.*\n)+)|(`[^`\n]+`)", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[\s#`|])(" + "|".join(HELPS) + r")((?:[ ][^\n;|`]*)?)", re.MULTILINE)
COMMON = {"help", "version"}  # of every program; a few helps leave them out


def told_by_help(arguments):
    """The long options and, of a program that has them, the sub-commands in a program's help."""
    done = subprocess.run([str(BUILD / arguments[0]), *arguments[1:]], check=True, text=True,
                          stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
    options = set(re.findall(r"--([a-z][\w-]*)", done.stdout)) | COMMON
    return options, set(re.findall(rf"^  {arguments[0]} (\w+)", done.stdout, re.MULTILINE))


def commands_in(page):
    for code in CODE.finditer(page.read_text()):
        for command in COMMAND.finditer(next(group for group in code.groups() if group)):
            yield command.group(1), command.group(2).split("  ")[0]


def problems(pages, known):
    for page in pages:
        for name, arguments in commands_in(page):
            options, words = known[name]
            for option in re.findall(r"(?<!\S)--([a-z][\w-]*)", arguments):
                if option not in options:
                    yield f"{page.relative_to(TOP)}: {name} has no option --{option}"
            first = (arguments.split() or [""])[0]
            if words and re.fullmatch(r"[a-z]+", first) and first not in words:
                yield f"{page.relative_to(TOP)}: {name} has no command {first}"


def main():
    helps = {name: arguments for name, arguments in HELPS.items()
             if name != "virsh update-in-place" or shutil.which("virsh", path="/usr/bin:/bin")}
    missing = [arguments[0] for arguments in helps.values() if not (BUILD / arguments[0]).exists()]
    if missing:
        print(f"not built: {', '.join(missing)}")
        return 77
    known = {name: told_by_help(arguments) for name, arguments in helps.items()}
    known.setdefault("virsh update-in-place", known["virt-update-in-place"])
    pages = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md")])
    assert sum(1 for page in pages for _ in commands_in(page)) > 30, "the pattern has rotted"
    found = list(problems(pages, known))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
