#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks the catalogues of po/: whole, in step with the sources, and safe to format with.

CONTRIBUTING.md says how texts get into them.
"""
import ast
import pathlib
import re
import shutil
import subprocess
import sys

from translatable import PO, extracted

MEMBER = re.compile(r'^(msgid(?:_plural)?|msgstr(?:\[\d\])?) ((?:"[^\n]*"\n)+)', re.MULTILINE)
PLACEHOLDER = re.compile(r"\{(\d*)(:[^}]*)?\}")
PLURALS = {"de": (2, "nplurals=2; plural=(n != 1);"),
           "fr": (2, "nplurals=2; plural=(n > 1);"),
           "ja": (1, "nplurals=1; plural=0;")}


def text_of(quoted):
    return "".join(ast.literal_eval(line) for line in quoted.splitlines())


def entries_of(text):
    """The entries of a catalogue's text, each as its members by name, and its flags."""
    for block in re.split(r"\n\s*\n", text + "\n"):
        live = "\n".join(line for line in block.splitlines() if not line.startswith("#")) + "\n"
        members = {name: text_of(quoted) for name, quoted in MEMBER.findall(live)}
        if members:
            yield members, set(re.findall(r"^#,.*\b(fuzzy)\b", block, re.MULTILINE))


def placeholders(text):
    """What each argument is formatted by, in the order of the arguments."""
    found = [(number, form or "") for number, form in PLACEHOLDER.findall(text)]
    return sorted((int(number or at), form) for at, (number, form) in enumerate(found))


def members_problems(members, flags, nplurals):
    original = members["msgid"]
    names = [f"msgstr[{i}]" for i in range(nplurals)] if "msgid_plural" in members else ["msgstr"]
    if flags:
        yield f"{original!r} is fuzzy"
    if {name for name in members if name.startswith("msgstr")} != set(names):
        yield f"{original!r} has other plural forms than the language"
    for name in names:
        translated = members.get(name, "")
        if not translated:
            yield f"{original!r} is not translated"
        elif placeholders(translated) != placeholders(members.get("msgid_plural", original)):
            yield f"{translated!r} has other placeholders than {original!r}"
        elif [translated.startswith("\n"), translated.endswith("\n")] != [
                original.startswith("\n"), original.endswith("\n")]:
            yield f"{translated!r} begins or ends its lines otherwise than {original!r}"


def header_problems(header, language):
    fields = dict(line.split(": ", 1) for line in header.splitlines() if ": " in line)
    wanted = {"Language": language, "Content-Type": "text/plain; charset=UTF-8",
              "Plural-Forms": PLURALS[language][1]}
    for name, value in wanted.items():
        if fields.get(name) != value:
            yield f"the header's {name} is {fields.get(name)!r}, not {value!r}"
    if "POT-Creation-Date" in fields:
        yield "the header has a POT-Creation-Date, which would change with every build"


def texts_of_sources():
    """The texts that the sources have, as `make -C po update-po` finds them."""
    files = [line for line in (PO / "POTFILES.in").read_text().splitlines()
             if line and not line.startswith("#")]
    template = extracted(files)
    # xgettext takes some texts for format strings of other languages, and msgfmt would then check
    # them as such.
    flagged = re.findall(r"^#,.*\b\S+-format\b.*$", template, re.MULTILINE)
    assert not flagged, flagged
    return {members["msgid"] for members, _ in entries_of(template)}


def problems(language, texts):
    text = (PO / f"{language}.po").read_text()
    (header, _), *entries = entries_of(text)
    assert entries and not header["msgid"], language
    yield from header_problems(header["msgstr"], language)
    for members, flags in entries:
        yield from members_problems(members, flags, PLURALS[language][0])
    translated = {members["msgid"] for members, _ in entries}
    for original in sorted(texts - translated):
        yield f"{original!r} is missing: run make -C po update-po in a build, and translate it"
    checked = subprocess.run(["msgfmt", "--check", "-o", "/dev/null", str(PO / f"{language}.po")],
                             stderr=subprocess.PIPE, text=True, check=False)
    if checked.returncode:
        yield checked.stderr


def main():
    if not shutil.which("xgettext") or not shutil.which("msgfmt"):
        print("xgettext and msgfmt are needed (gettext)")
        return 77
    languages = {line for line in (PO / "LINGUAS").read_text().splitlines()
                 if line and not line.startswith("#")}
    found = [f"po/LINGUAS or {__file__} does not know {language}" for language in
             sorted({file.stem for file in PO.glob("*.po")} ^ languages | languages ^ set(PLURALS))]
    texts = texts_of_sources()
    found += [f"po/{language}.po: {problem}" for language in sorted(languages & set(PLURALS))
              for problem in problems(language, texts)]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
