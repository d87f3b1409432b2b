#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that the screens in the pages of the manual are those of docs/screens, to the letter.

A page has a mark, "<!-- screen NAME -->" or ".. screen NAME", and the screen in the block after it. With
--write the blocks are made anew. scripts/screens makes the screens themselves.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
SCREENS = TOP / "docs/screens"
INDENT = "   "
# Mark, name, and the block with its fence or its indentation.
MARKDOWN = re.compile(r"(<!-- screen ([\w-]+) -->\n)(```\n.*?^```\n|)", re.DOTALL | re.MULTILINE)
REST = re.compile(r"(\.\. screen ([\w-]+)\n\n)(::\n\n(?:(?: {3}.*)?\n)*|)")


def in_markdown(text):
    return f"```\n{text}```\n"


def in_rest(text):
    return "::\n\n" + "".join(f"{INDENT}{line}".rstrip() + "\n" for line in text.splitlines()) + "\n"


def renewed(page, used):
    """The page's text with its screens as they are."""
    pattern, block = (REST, in_rest) if page.suffix == ".rst" else (MARKDOWN, in_markdown)

    def replaced(found):
        used.add(found.group(2))
        return found.group(1) + block((SCREENS / f"{found.group(2)}.txt").read_text())
    return pattern.sub(replaced, page.read_text())


def main():
    used, failed = set(), False
    for page in sorted([*TOP.glob("docs/*.md"), *TOP.glob("docs/manpages/*.rst")]):
        text = renewed(page, used)
        if text == page.read_text():
            continue
        if sys.argv[1:] == ["--write"]:
            page.write_text(text)
        else:
            print(f"{page.relative_to(TOP)}: a screen is not as in docs/screens: run {sys.argv[0]} --write")
            failed = True
    there = {path.stem for path in SCREENS.glob("*.txt")}
    for name in sorted(there ^ used):
        print(f"docs/screens/{name}.txt is in no page")
        failed = True
    if not there:
        print("there are no screens")
        failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
