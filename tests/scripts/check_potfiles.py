#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that po/POTFILES.in lists the files that have texts for translators, and no others."""
import re
import shutil
import sys

from translatable import PO, SENT, SHOWN, extracted, is_sent, sources

MARKED = re.compile(r'\b_\(\s*"')


def main():
    if not shutil.which("xgettext"):
        print("xgettext is needed (gettext)")
        return 77
    lines = (PO / "POTFILES.in").read_text().splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    searched = sources(SHOWN) + [name for name in sources(SENT) if is_sent(name)]
    template = extracted(searched)
    marked = {name for line in re.findall(r"^#: (.*)$", template, re.MULTILINE)
              for name in line.split()}
    shown = {name for name in sources(SENT) if MARKED.search((PO.parent / name).read_text())}
    for name in sorted(listed ^ (marked | shown)):
        print(f"{name}: " + ("has no marked text" if name in listed else "is not listed"))
    return 1 if listed ^ (marked | shown) else 0


if __name__ == "__main__":
    sys.exit(main())
