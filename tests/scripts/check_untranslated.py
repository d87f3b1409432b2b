#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that the tools and the library give their users no text past gettext.

What reads like a text (two words in a row, or a word with a capital) stands in _() wherever it is.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("src/tools", "src/client")

# Comments, lines of the preprocessor, characters, and literals: one after the other is one text.
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|^\s*#[^\n]*|\'(?:\\.|[^\'\\\n])\'|'
                   r'(?P<text>"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*)',
                   re.DOTALL | re.MULTILINE)
# What programs read, of hosts with any language.
FOR_PROGRAMS = {"metrics.cc"}
TYPES = {"unsigned int"}  # of C
PROSE = re.compile(r"[A-Za-z]{2,}[,;:]? [a-z]{2,}|^[A-Z][a-z]+:?$")


def untranslated(source):
    """Yields (line, text) for each text that is not the argument of _()."""
    for token in TOKEN.finditer(source):
        if token["text"] is None:
            continue
        text = "".join(re.findall(r'"((?:\\.|[^"\\\n])*)"', token["text"]))
        if text in TYPES:
            continue
        if PROSE.search(text) and not re.search(r"\b_\(\s*$", source[:token.start()]):
            yield source.count("\n", 0, token.start()) + 1, text


def main():
    files = [file for folder in FOLDERS for pattern in ("*.cc", "*.h")
             for file in sorted((TOP / folder).glob(pattern)) if file.name not in FOR_PROGRAMS]
    assert files, FOLDERS
    found = [f'{file.relative_to(TOP)}:{line}: "{text}" is not in _()'
             for file in files for line, text in untranslated(file.read_text())]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
