#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tools and the library speak the language of their environment.

CPR_BUILDDIR in the environment names the folder of the build; without it, build/ beside src/.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CPR_BUILDDIR", TOP / "build"))
URI = "test:///default"
LANGUAGES = ("de", "fr", "ja")

# A domain that cannot be updated: the headline is the tool's, the cause the library's.
FAILURES = {
    "": "error: Failed to update domain 'test' in place\n"
        "error: './vmm' is no absolute path of an emulator\n",
    "de": "Fehler: Aktualisierung der Domain »test« im laufenden Betrieb ist fehlgeschlagen\n"
          "Fehler: »./vmm« ist kein absoluter Pfad eines Emulators\n",
    "fr": "erreur\u00a0: Échec de la mise à jour sur place du domaine «\u00a0test\u00a0»\n"
          "erreur\u00a0: «\u00a0./vmm\u00a0» n'est pas le chemin absolu d'un émulateur\n",
    "ja": "エラー: ドメイン 'test' のインプレース更新に失敗しました\n"
          "エラー: './vmm' はエミュレーターの絶対パスではありません\n",
}
HEADINGS = {"": "  NAME\n", "de": "  NAME\n", "fr": "  NOM\n", "ja": "  名前\n"}
UNKNOWN_NAMES = {"": "is not the name of a program", "de": "ist kein Name eines Programms",
                 "fr": "n'est pas le nom d'un programme", "ja": "はプログラムの名前ではありません"}
# Of the layers below, which know no language; what errno stands for has a catalogue of the system's.
UNOPENED = {"": "error: cannot open '/nonexistent/state': No such file or directory\n",
            "de": "Fehler: es ist nicht möglich, »/nonexistent/state« zu öffnen: ",
            "fr": "erreur\u00a0: impossible d'ouvrir «\u00a0/nonexistent/state\u00a0»\u00a0: ",
            "ja": "エラー: '/nonexistent/state' を開くことができません: "}


def make_catalogues(folder):
    for language in LANGUAGES:
        target = pathlib.Path(folder) / language / "LC_MESSAGES"
        target.mkdir(parents=True)
        subprocess.run(["msgfmt", "-o", str(target / "libvirt-cpr.mo"),
                        str(TOP / "po" / f"{language}.po")], check=True)


class Languages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        make_catalogues(cls.folder.name)

    def run_program(self, name, *arguments, language="", locale="C.UTF-8"):
        path = BUILD / pathlib.Path(name).parent / ".libs" / pathlib.Path(name).name
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": locale,
                       "LANGUAGE": language, "LD_LIBRARY_PATH": str(BUILD / ".libs"),
                       "LD_PRELOAD": str(BUILD / "tests/.libs/libcatalogues.so"),
                       "CPR_CATALOGUES": self.folder.name}
        return subprocess.run([str(path if path.exists() else BUILD / name), *arguments],
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              encoding="utf-8", timeout=60, check=False)

    def test_errors_of_tool_and_library(self):
        for language, text in FAILURES.items():
            run = self.run_program("virt-update-in-place", "-c", URI, "test", "./vmm",
                                   language=language)
            self.assertEqual((run.returncode, run.stdout, run.stderr), (1, "", text), language)

    def test_the_locale_c_is_english(self):
        run = self.run_program("virt-update-in-place", "-c", URI, "test", "./vmm", language="de",
                               locale="C")
        self.assertEqual(run.stderr, FAILURES[""])

    def test_help_of_virsh(self):
        if not shutil.which("virsh", path="/usr/bin:/bin"):
            self.skipTest("there is no virsh")
        for language, heading in HEADINGS.items():
            run = self.run_program("src/tools/virsh", "help", "update-in-place", language=language)
            self.assertTrue(run.stdout.startswith(heading), (language, run.stdout))

    def test_emulators_tool(self):
        for language, text in UNKNOWN_NAMES.items():
            run = self.run_program("virt-cpr-emulators", "set", "a/b", "/x", language=language)
            self.assertIn(text, run.stderr, language)

    def test_errors_of_the_layers_below(self):
        for language, text in UNOPENED.items():
            run = self.run_program("cpr-inspect", "/nonexistent/state", language=language)
            self.assertEqual(run.returncode, 1)
            self.assertIn(text, run.stderr, language)

    def test_all_options_are_in_every_help(self):
        english = self.run_program("virt-update-in-place", "--help").stdout
        options = {word.split("=")[0] for word in english.split() if word.startswith("--")}
        self.assertIn("--history", options)
        for language in LANGUAGES:
            told = self.run_program("virt-update-in-place", "--help", language=language).stdout
            self.assertNotEqual(told, english)
            self.assertEqual({option for option in options if option not in told}, set(), language)


if __name__ == "__main__":
    if not shutil.which("msgfmt"):
        print("msgfmt is needed (gettext)")
        sys.exit(77)
    unittest.main()
