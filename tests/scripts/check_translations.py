#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that a translation has the placeholders of its original: others make the tool fail."""
import ast
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
ENTRY = re.compile(r'^msgid ((?:"[^\n]*"\n)+)msgstr ((?:"[^\n]*"\n?)+)', re.MULTILINE)
PLACEHOLDER = re.compile(r"\{\d*(:[^}]*)?\}")


def text_of(quoted):
    return "".join(ast.literal_eval(line) for line in quoted.splitlines())


def placeholders(text):
    return sorted(match.group(1) or "" for match in PLACEHOLDER.finditer(text))


def main():
    failed = False
    for catalogue in sorted((TOP / "po").glob("*.po")):
        entries = [tuple(map(text_of, entry)) for entry in ENTRY.findall(catalogue.read_text())]
        assert len(entries) > 1, catalogue
        for original, translated in entries:
            if original and translated and placeholders(original) != placeholders(translated):
                print(f"{catalogue}: {translated!r} has other placeholders than {original!r}")
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
