#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that `make uninstall` leaves nothing behind, and is refused while domains run on it.

CPR_BUILDDIR in the environment names the folder of the build; without it, build/ beside src/.
"""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CPR_BUILDDIR", TOP / "build"))


def make(target, root):
    """Run make for an installation below the folder; what came of it."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR")}
    return subprocess.run(["make", "-C", BUILD, target, f"DESTDIR={root}"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                          timeout=600, check=False)


def files(root):
    """All files below the folder."""
    return sorted(path for path in root.rglob("*") if not path.is_dir())


@contextlib.contextmanager
def running_domain(controller, name):
    """A process that is what a domain's controller is to whoever looks at processes."""
    shutil.copy(shutil.which("sh"), controller)
    with subprocess.Popen([controller, "-c", "echo; read end", "controller", f"--domain={name}"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield
        process.stdin.close()


class Uninstall(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        result = make("install", self.root)
        self.assertEqual(result.returncode, 0, result.stdout)

    def find(self, name):
        found = [path for path in files(self.root) if path.name == name]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_leaves_nothing_behind(self):
        result = make("uninstall", self.root)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertEqual(files(self.root), [])
        self.assertEqual(list(self.root.rglob("libvirt-cpr")), [])

    def test_keeps_what_an_administrator_has_set(self):
        config = self.find("emulators.conf")
        with open(config, "a", encoding="utf-8") as file:
            file.write("[virt-cpr-qemu]\nbinary=/usr/bin/qemu-system-x86_64\n")
        result = make("uninstall", self.root)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertEqual(files(self.root), [config])

    def test_is_refused_while_domains_run(self):
        before = files(self.root)
        with running_domain(self.find("virt-cpr-controller"), "guest-7"):
            result = make("uninstall", self.root)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("in use by running domains: guest-7", result.stdout)
        self.assertEqual(files(self.root), before)


if __name__ == "__main__":
    unittest.main()
