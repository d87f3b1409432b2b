#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that users of the tools and the library are given no text past gettext.

What reads like a text (two words in a row, or a word with a capital) stands in _() wherever it is
in tools and library. Of what can come to them from the controller or a VMM, xgettext has to find
it: as the argument of an Error, a Text or the like, or in N_().
"""
import ast
import re
import shutil
import sys

from check_translations import entries_of
from translatable import SENT, SHOWN, TOP, extracted, is_sent, sources

# Comments, lines of the preprocessor, characters, and literals: one after the other is one text.
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|^\s*#[^\n]*|\'(?:\\.|[^\'\\\n])\'|'
                   r'(?P<text>"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*)',
                   re.DOTALL | re.MULTILINE)
# What programs read, of hosts with any language.
FOR_PROGRAMS = {"src/tools/metrics.cc"}
PROSE = re.compile(r"[A-Za-z]{2,}[,;:]? [a-z]{2,}|^[A-Z][a-z]+:?$")
# With what is filled in, which is part of a sentence rather than of a name.
FILLED_PROSE = re.compile(r"[A-Za-z]{2,}[,;:)]* \(?[a-z]+|[a-z]{2,}[,;:]? '?\{|"
                          r"\}'?[,;:]? [a-z]+|^[A-Z][a-z]+:?$")
# Of the sent ones, those that are in no text for people, and those in a log.
NO_TEXTS = {
    "src/controller/qemu/version.cc": {"QEMU emulator version "},
    "src/controller/update_service.cc": {"update check"},
    "src/state/fd_table.cc": {"block {}:{}", "char {}:{}"},
    "src/vmm/core/kvm_api.cc": {"KVM_IRQFD (deassign)", "KVM_IOEVENTFD (deassign)"},
    "src/vmm/vfio/message_interrupts.cc": {"the host has {} of {} vectors",
                                           "vector {} does not work",
                                           "vector {} cannot be attached"},
    # Within "the VMM has ended ({})", of one that speaks another language.
    "src/qmp/connection.cc": {"the peer sent invalid JSON: {}"},
}
TYPES = {"unsigned int"}  # of C
MARK = re.compile(r"\b_\(\s*$")
ASIDE = re.compile(r"(?:\b(?:log::\w+|complain|fmt::print)\(|static_assert\([^;]*,)\s*$")


def literals(source):
    """Yields (line, what stands before it, text) for each literal."""
    for token in TOKEN.finditer(source):
        if token["text"] is not None:
            text = ast.literal_eval(f"({token['text']})")
            yield source.count("\n", 0, token.start()) + 1, source[:token.start()], text


def not_shown(source):
    """Yields (line, text) for each text of a tool or the library that is not in _()."""
    for line, before, text in literals(source):
        if PROSE.search(text) and text not in TYPES and not MARK.search(before):
            yield line, text


def not_sent(source, found, no_texts):
    """Yields (line, text) for each text that may be sent, and that xgettext has not found."""
    for line, before, text in literals(source):
        if FILLED_PROSE.search(text) and text not in found | no_texts and not ASIDE.search(before):
            yield line, text


def problems():
    for name in sorted(set(sources(SHOWN)) - FOR_PROGRAMS):
        for line, text in not_shown((TOP / name).read_text()):
            yield f'{name}:{line}: "{text}" is not in _()'
    sent = [name for name in sources(SENT) if is_sent(name)]
    found = {members["msgid"] for members, _ in entries_of(extracted(sent))}
    for name in sent:
        for line, text in not_sent((TOP / name).read_text(), found, NO_TEXTS.get(name, set())):
            yield f'{name}:{line}: "{text}" is no text that a client could translate; see N_()'


def main():
    if not shutil.which("xgettext"):
        print("xgettext is needed (gettext)")
        return 77
    found = list(problems())
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
