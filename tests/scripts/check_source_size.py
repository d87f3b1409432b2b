#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fails for a source file that has grown too long to have one subject."""
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

LIMIT = 800
FOLDERS = ("src", "include", "tests", "scripts", "nova")
SUFFIXES = (".h", ".cc", ".c", ".py", ".sh", "")


def main():
    failed = False
    for folder in FOLDERS:
        for file in sorted((TOP / folder).rglob("*")):
            if not file.is_file() or file.suffix not in SUFFIXES:
                continue
            lines = len(file.read_bytes().splitlines())
            if lines > LIMIT:
                print(f"{file}: {lines} lines, more than {LIMIT}: split it by subject")
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
