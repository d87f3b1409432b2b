#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that po/POTFILES.in lists the files that have texts for translators, and no others."""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

MARKED = re.compile(r'\b_\(\s*"')


def main():
    lines = (TOP / "po/POTFILES.in").read_text().splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    sources = [file for pattern in ("*.cc", "*.h") for file in (TOP / "src").rglob(pattern)]
    marked = {str(file.relative_to(TOP)) for file in sources if MARKED.search(file.read_text())}
    for name in sorted(listed ^ marked):
        print(f"{name}: " + ("has no marked text" if name in listed else "is not listed"))
    return 1 if listed ^ marked else 0


if __name__ == "__main__":
    sys.exit(main())
