#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bash completes of the tools' command lines, with their own --help and a virsh of this file.

CPR_BUILDDIR in the environment names the folder of the build; without it, build/ beside src/.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CPR_BUILDDIR", TOP / "build"))
LIBRARY = pathlib.Path("/usr/share/bash-completion/bash_completion")
COMPLETIONS = TOP / "data/bash-completion/virt-update-in-place"
TOOL, EMULATORS_TOOL, INSPECTOR = "virt-update-in-place", "virt-cpr-emulators", "cpr-inspect"

# $1 is the library, $2 the file with the completions, $3 the command line; its words follow.
COMPLETE = r"""
source "$1"
source "$2"
COMP_WORDS=("${@:4}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_LINE=$3
COMP_POINT=${#COMP_LINE}
compopt() { :; }
function=$(complete -p "$4" | sed 's/.*-F \([^ ]*\).*/\1/')
"$function" "$4" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[ "${#COMPREPLY[@]}" = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"""

VIRSH = """#!/bin/sh
case "$*" in
    "-q list --name") printf 'web-1\\nweb-2\\ndatabase\\n\\n' ;;
    "-q list --all --name") printf 'web-1\\nwebless\\n\\n' ;;
    "-q -c qemu+ssh://far/system list --name") printf 'web-far\\n\\n' ;;
    *) exit 1 ;;
esac
"""

EMULATORS = f"""#!/bin/sh
[ "$1" = list ] || exec '{BUILD}/{EMULATORS_TOOL}' "$@"
cat <<'END'
 Emulator         Version   Binary
------------------------------------
 virt-cpr-qemu    10.0.2    /usr/bin/qemu-system-x86_64
 virt-cpr-vmm     0.1.0     /usr/libexec/cpr-vmm

END
"""


def words_of(line):
    """The words as readline gives them to a completion: COMP_WORDBREAKS has '=' and ':'."""
    return [part for word in line.split(" ")
            for part in (re.findall(r"[=:]+|[^=:]+", word) or [""])]


def options_in(text):
    """Every long option of a help text, with its '=' if it takes a value."""
    return sorted(re.findall(r"^ +(?:-\w \| )?(--[a-z-]+=?)", text, flags=re.MULTILINE))


class Completion(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, text in (("virsh", VIRSH), (EMULATORS_TOOL, EMULATORS)):
            (self.folder / name).write_text(text, encoding="utf-8")
            (self.folder / name).chmod(0o755)
        self.environment = {"PATH": f"{self.folder}:{BUILD}:/usr/bin:/bin", "LANG": "C.UTF-8",
                            "LANGUAGE": "de", "HOME": str(self.folder)}

    def complete(self, line):
        result = subprocess.run(
            ["bash", "--norc", "-c", COMPLETE, "bash", LIBRARY, COMPLETIONS, line,
             *words_of(line)],
            text=True, cwd=self.folder, env=self.environment, timeout=120, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(result.stderr, "", line)
        return sorted(result.stdout.split())

    def help(self, program):
        return subprocess.run([program, "--help"], text=True, env=self.environment, timeout=120,
                              stdout=subprocess.PIPE, check=True).stdout

    def test_options_are_those_of_the_help(self):
        for program in (TOOL, INSPECTOR):
            options = options_in(self.help(BUILD / program))
            self.assertIn("--help", options)
            self.assertEqual(self.complete(f"{program} -"), options)
        self.assertEqual(self.complete(f"{TOOL} --max"), ["--max-failures=", "--max-pause="])

    def test_values_are_those_of_the_help(self):
        text = self.help(BUILD / TOOL)
        for option, values in (("--mode", ["auto", "exec", "transfer"]),
                               ("--backend", ["cpr-vmm", "qemu"])):
            described = re.search(rf"{option}=.*", text).group()
            for form in (f"{option}=", f"{option} "):
                self.assertEqual(self.complete(f"{TOOL} {form}"), values)
                self.assertEqual(self.complete(f"{TOOL} {form}{values[1][:2]}"), [values[1]])
            self.assertTrue(all(value in described for value in values), described)
        self.assertEqual(self.complete(f"{TOOL} --timeout="), [])
        self.assertEqual(self.complete(f"{TOOL} --timeout "), [])

    def test_domains(self):
        self.assertEqual(self.complete(f"{TOOL} "), ["database", "web-1", "web-2"])
        self.assertEqual(self.complete(f"{TOOL} --verbose web-1 we"), ["web-1", "web-2"])

    def test_domains_of_another_host(self):
        for form in ("-c ", "--connect ", "--connect="):
            self.assertEqual(self.complete(f"{TOOL} {form}qemu+ssh://far/system w"), ["web-far"])

    def test_domains_that_do_not_run(self):
        for option in ("--enable", "--disable", "--policy", "--history",
                       "--set-policy=allowed=no"):
            self.assertEqual(self.complete(f"{TOOL} {option} w"), ["web-1", "webless"])

    def test_connections(self):
        self.assertEqual(self.complete(f"{TOOL} -c qemu:///sy"), ["///system"])

    def test_emulator_programs(self):
        (self.folder / "next-vmm").touch()
        self.assertEqual(self.complete(f"{TOOL} web-1 {self.folder}/ne"),
                         [f"{self.folder}/next-vmm"])
        self.assertEqual(self.complete(f"{TOOL} --emulator={self.folder}/ne"),
                         [f"{self.folder}/next-vmm"])

    def test_emulators(self):
        commands = re.findall(rf"^  {EMULATORS_TOOL} (\S+)", self.help(BUILD / EMULATORS_TOOL),
                              flags=re.MULTILINE)
        self.assertIn("divert", commands)
        self.assertEqual(self.complete(f"{EMULATORS_TOOL} "), sorted(commands))
        for command in ("show", "set"):
            self.assertEqual(self.complete(f"{EMULATORS_TOOL} {command} virt-cpr-"),
                             ["virt-cpr-qemu", "virt-cpr-vmm"])
        self.assertEqual(self.complete(f"{EMULATORS_TOOL} list "), [])
        (self.folder / "next-vmm").touch()
        for command in ("divert", "undivert", "set virt-cpr-qemu"):
            self.assertEqual(self.complete(f"{EMULATORS_TOOL} {command} {self.folder}/ne"),
                             [f"{self.folder}/next-vmm"])


if __name__ == "__main__":
    if not LIBRARY.exists():
        print("skipped: bash-completion is not installed (Debian package bash-completion)")
        sys.exit(77)
    unittest.main()
