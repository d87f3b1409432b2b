#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that each layer of src/ includes only what ARCHITECTURE.md allows it to use."""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

# One place for the rule; tests/scripts/check_documentation.py compares ARCHITECTURE.md with it.
ALLOWED = {
    "base": set(),
    "qmp": {"base"},
    "state": {"base"},
    "vmm": {"base", "qmp", "state"},
    "controller": {"base", "qmp", "state"},
    "client": {"base"},
    "tools": {"base", "client", "state"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def layer_of(path):
    """The layer that an included path belongs to, or None if it is not one of ours."""
    first = path.split("/")[0]
    return first if first in ALLOWED and "/" in path else None


def violations(source):
    """Yields a line for each include below `source` (src/) that breaks the rule."""
    for file in sorted(source.rglob("*")):
        if file.suffix not in (".h", ".cc", ".c"):
            continue
        layer = file.relative_to(source).parts[0]
        if layer not in ALLOWED:
            yield f"{file}: {layer} is no layer; add it to {__file__} and to ARCHITECTURE.md"
            continue
        for included in INCLUDE.findall(file.read_text()):
            if "../" in included:
                yield f'{file}: includes "{included}": write the path from src/'
            target = layer_of(included)
            if target and target != layer and target not in ALLOWED[layer]:
                yield f'{file}: {layer} must not use {target} ("{included}")'


def main():
    source = TOP / "src"
    found = list(violations(source))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
