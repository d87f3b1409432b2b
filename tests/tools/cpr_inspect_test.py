#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""cpr-inspect on state streams that this file makes by itself, as docs/state-format.md says.

CPR_BUILDDIR in the environment names the folder of the build; without it, build/ beside src/.
"""
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest
import zlib

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CPR_BUILDDIR", TOP / "build"))


def text(value):
    return struct.pack("<I", len(value)) + value


def section(name, kind, version, payload, head_sum=None, payload_sum=None, length=None):
    head = (text(name) + text(kind) + struct.pack("<HQI", version,
                                                  len(payload) if length is None else length,
                                                  payload_sum or zlib.crc32(payload)))
    return struct.pack("<II", len(head), head_sum or zlib.crc32(head)) + head + payload


def stream(*sections, magic=b"CPRSTATE", form=1, architecture=62, count=None, length=None, tail=b"",
           header_sum=None):
    body = b"".join(sections) + tail
    header = magic + struct.pack("<IIQI", form, architecture,
                                 32 + len(body) if length is None else length,
                                 len(sections) if count is None else count)
    return header + struct.pack("<I", header_sum or zlib.crc32(header)) + body


SERIAL = section(b"serial0", b"serial16550", 1, b"0123456789")
RESET = section(b"reset-control", b"reset-control", 2, b"\x02\x50")
GOOD = stream(SERIAL, RESET)


class Inspect(unittest.TestCase):
    def run_on(self, content, *options):
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            return self.run_tool(*options, file.name)

    def run_tool(self, *arguments):
        return subprocess.run([BUILD / "cpr-inspect", *arguments], text=True, timeout=60,
                              env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def require_refused(self, content, reason):
        result = self.run_on(content)
        self.assertEqual(result.returncode, 1, result)
        self.assertEqual(result.stdout, "")
        self.assertIn(reason, result.stderr)
        self.assertTrue(all(line.startswith("error: ") for line in result.stderr.splitlines()))

    def test_lists_the_sections(self):
        result = self.run_on(GOOD)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = result.stdout.splitlines()
        self.assertEqual(lines[0], f"format 1, architecture 62, {len(GOOD)} bytes, 2 sections")
        self.assertEqual([line.split() for line in lines[2:]],
                         [["Id", "Kind", "Version", "Length", "Checksum"],
                          ["serial0", "serial16550", "1", "10", "ok"],
                          ["reset-control", "reset-control", "2", "2", "ok"]])

    def test_json(self):
        result = self.run_on(GOOD, "--json")
        self.assertEqual(json.loads(result.stdout), {
            "format": 1, "architecture": 62, "length": len(GOOD), "sections": [
                {"id": "serial0", "kind": "serial16550", "version": 1, "length": 10,
                 "intact": True},
                {"id": "reset-control", "kind": "reset-control", "version": 2, "length": 2,
                 "intact": True}]})

    def test_damaged_content_is_listed_and_fails(self):
        bad = stream(section(b"a", b"b", 1, b"x", payload_sum=7), RESET)
        result = self.run_on(bad)
        self.assertEqual(result.returncode, 1)
        self.assertIn("a section has a wrong checksum", result.stderr)
        self.assertEqual([line.split()[-1] for line in result.stdout.splitlines()[3:]],
                         ["wrong", "ok"])
        sections = json.loads(self.run_on(bad, "--json").stdout)["sections"]
        self.assertEqual([part["intact"] for part in sections], [False, True])

    def test_names_cannot_reach_the_terminal(self):
        result = self.run_on(stream(section(b"\x1b[2J\xff\n", b"k", 1, b"")))
        self.assertEqual(result.returncode, 0)
        self.assertIn("?[2J??", result.stdout)
        self.assertNotIn("\x1b", result.stdout)
        json.loads(self.run_on(stream(section(b"\xff", b"k", 1, b"")), "-j").stdout)

    def test_what_is_no_stream_is_refused(self):
        for content, reason in (
                (b"", "0 bytes"),
                (b"#!/bin/sh\n" * 10, "wrong magic number"),
                (stream(SERIAL, header_sum=1), "header has a wrong checksum"),
                (stream(SERIAL, form=2), "format 2"),
                (stream(SERIAL, architecture=183), "architecture 183"),
                (stream(SERIAL, length=1 << 60), f"says {1 << 60} bytes"),
                (stream(SERIAL, count=5000), "5000 sections"),
                (stream(SERIAL, count=2), "cut off"),
                (stream(SERIAL, tail=b"more"), "4 bytes follow"),
                (stream(SERIAL, SERIAL), "two state sections are named 'serial0'"),
                (stream(section(b"a", b"b", 1, b"", head_sum=1)), "wrong head"),
                (stream(section(b"a", b"b", 1, b"", length=1 << 63)), "cut off"),
                (GOOD[:-1], f"says {len(GOOD)} bytes, has {len(GOOD) - 1}")):
            with self.subTest(reason):
                self.require_refused(content, reason)

    def test_what_is_no_file_is_refused(self):
        for path, reason in (("/nonexistent/state", "/nonexistent/state"),
                             ("/", "not a regular file"), ("/dev/zero", "not a regular file")):
            result = self.run_tool(path)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn(reason, result.stderr)

    def test_a_file_over_the_limit_is_refused(self):
        with tempfile.NamedTemporaryFile() as file:
            file.truncate((64 << 20) + 1)
            result = self.run_tool(file.name)
        self.assertEqual(result.returncode, 1)
        self.assertIn("limit", result.stderr)

    def test_command_line(self):
        for arguments in ((), ("a", "b"), ("--nonsense", "a")):
            result = self.run_tool(*arguments)
            self.assertEqual((result.returncode, result.stdout), (1, ""), arguments)
            self.assertIn("See --help", result.stderr)
        self.assertIn("cpr-inspect [options]", self.run_tool("--help").stdout)
        self.assertRegex(self.run_tool("--version").stdout, r"^\d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
