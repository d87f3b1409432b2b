#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-update-in-place and the front end of virsh over libvirt's test driver, beside the stock virsh.

CPR_BUILDDIR in the environment names the folder of the build; without it, build/ beside src/.
"""
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import tempfile
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CPR_BUILDDIR", TOP / "build"))
STOCK = shutil.which("virsh", path="/usr/bin:/bin")
URI = "test:///default"
UMASK = os.umask(0o022)
os.umask(UMASK)
UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"
NOT_SUPPORTED = (
    "error: this function is not supported by the connection driver: virDomainQemuMonitorCommand\n")
LISTED = ("    update-in-place                "
          "update the virtual machine monitor of a domain in place\n")


def program(name):
    """The program itself, not libtool's wrapper around it, whose argv[0] is another."""
    real = BUILD / pathlib.Path(name).parent / ".libs" / pathlib.Path(name).name
    return real if real.exists() else BUILD / name


class Run:
    """One run of a program: exit status, standard output, standard error."""

    def __init__(self, path, arguments, env=None, stdin=""):
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/nonexistent",
                       "LD_LIBRARY_PATH": str(BUILD / ".libs"), **(env or {})}
        done = subprocess.run([str(path), *arguments], env=environment, input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              check=False)
        self.all = (done.returncode, done.stdout, done.stderr)
        self.status, self.out, self.err = self.all


class UpdateTool(unittest.TestCase):
    def run_tool(self, *arguments, **keywords):
        return Run(program("virt-update-in-place"), arguments, **keywords)

    def test_driver_without_monitor_is_a_clear_error(self):
        for domain in ("test", "1", UUID):
            run = self.run_tool("-c", URI, domain)
            self.assertEqual(run.all, (
                1, "", f"error: Failed to update domain '{domain}' in place\n" + NOT_SUPPORTED))

    def test_check_says_that_it_is_one(self):
        run = self.run_tool("-c", URI, "--check", "test", "/usr/bin/vmm")
        self.assertEqual(run.all, (
            1, "", "error: Domain 'test' cannot be updated in place\n" + NOT_SUPPORTED))

    def test_relative_emulator_is_refused(self):
        for words in (["test", "./vmm"], ["--emulator", "./vmm", "test"]):
            run = self.run_tool("-c", URI, *words)
            self.assertEqual(run.err.splitlines()[1],
                             "error: './vmm' is no absolute path of an emulator")

    def test_uri_of_the_environment(self):
        for name in ("VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI"):
            self.assertIn(NOT_SUPPORTED, self.run_tool("test", env={name: URI}).err, name)
        both = {"VIRSH_DEFAULT_CONNECT_URI": URI, "LIBVIRT_DEFAULT_URI": "nosuch:///"}
        self.assertIn(NOT_SUPPORTED, self.run_tool("test", env=both).err)

    def test_failure_to_connect(self):
        run = self.run_tool("-c", "nosuch+unix:///x", "test")
        self.assertEqual(run.status, 1)
        self.assertEqual(run.err.splitlines()[0],
                         "error: failed to connect to the hypervisor")
        self.assertEqual(len(run.err.splitlines()), 2)

    def test_wrong_use(self):
        for arguments, message in (
                ([], "error: a domain is required. See --help.\n"),
                (["a", "/b", "c"], "error: unexpected argument '/b'. See --help.\n"),
                (["--emulator=/e", "a", "/b"], "error: unexpected argument '/b'. See --help.\n"),
                (["--all", "a"], "error: --all and names of domains are mutually exclusive. "
                 "See --help.\n"),
                (["--host-parallel=0", "--all"], "error: Numeric value '0' for <host-parallel> "
                 "option is malformed or out of range\n"),
                (["--mode=fast", "a"], "error: 'fast' is no mode; modes are auto, exec and "
                 "transfer\n"),
                (["--wait", "--max-pause=5", "a"],
                 "error: Options --wait and --max-pause are mutually exclusive\n"),
                (["--nosuch"], "error: unsupported option '--nosuch'. See --help.\n"),
                (["-c"], "error: option '-c' requires an argument\n"),
                (["--timeout", "1.5", "a"], "error: Numeric value '1.5' for <timeout> option is "
                 "malformed or out of range\n"),
                (["--timeout", "1", "--info", "a"],
                 "error: Options --info and --timeout are mutually exclusive\n")):
            self.assertEqual(self.run_tool(*arguments).all, (1, "", message))

    def test_several_domains_are_told_of_in_a_table(self):
        lines = [" Domain   Result   Pause   Details", None,
                 " nosuch   failed   -       failed to get domain 'nosuch'",
                 " test     failed   -       " + NOT_SUPPORTED.removeprefix("error: ").rstrip(), "",
                 "0 succeeded, 2 failed, 0 skipped", "", ""]
        run = self.run_tool("-c", URI, "--host-parallel", "2", "nosuch", "test")
        lines[1] = "-" * len(lines[3])
        self.assertEqual(run.all, (1, "\n".join(lines[:-1]), ""))
        run = self.run_tool("-c", URI, "-q", "nosuch", "test")
        self.assertEqual(run.all, (1, "", ""))

    def test_all_domains_of_the_host(self):
        run = self.run_tool("-c", URI, "--all")
        self.assertIn(" test     failed   -       this function", run.out)
        self.assertEqual(run.status, 1)

    def test_no_other_domain_is_begun_after_failures(self):
        run = self.run_tool("-c", URI, "--max-failures", "1", "nosuch", "test")
        self.assertIn(" test     skipped   -       not begun\n", run.out)
        self.assertIn("0 succeeded, 1 failed, 1 skipped", run.out)
        self.assertEqual(run.status, 1)

    def test_metrics_of_a_host(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "libvirt-cpr.prom"
            path.write_text("old", encoding="ascii")
            run = self.run_tool("-c", URI, f"--metrics={path}")
            self.assertEqual(run.all, (0, "", ""))
            lines = path.read_text(encoding="utf-8").splitlines()
            # Of the test driver's domain no controller tells.
            for line in ("libvirt_cpr_domains 1", "libvirt_cpr_unknown_domains 1",
                         "libvirt_cpr_outdated_domains 0"):
                self.assertIn(line, lines)
            self.assertEqual([file.name for file in path.parent.iterdir()], [path.name])
            self.assertEqual(path.stat().st_mode & 0o777, 0o644 & ~UMASK)

    def test_metrics_follow_an_update_that_failed(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "libvirt-cpr.prom"
            run = self.run_tool("-q", "-c", URI, "--all", "--metrics", str(path))
            self.assertEqual(run.status, 1)
            self.assertIn("libvirt_cpr_domains 1\n", path.read_text(encoding="utf-8"))

    def test_metrics_that_cannot_be_written(self):
        run = self.run_tool("-c", URI, "--metrics", "/dev/null/libvirt-cpr.prom")
        self.assertEqual((run.status, run.out), (1, ""))
        self.assertTrue(run.err.startswith(
            "error: failed to write the metrics to '/dev/null/libvirt-cpr.prom'\n"), run.err)
        run = self.run_tool("-c", "test:///nonexistent", "--metrics", "/nonexistent/file")
        self.assertEqual((run.status, run.out), (1, ""))
        self.assertIn("failed to connect to the hypervisor", run.err)

    def test_metrics_alone_take_nothing_of_an_update(self):
        run = self.run_tool("-c", URI, "--metrics", "/nonexistent/file", "--check")
        self.assertEqual(run.all, (
            1, "", "error: Options --metrics and --check are mutually exclusive\n"))
        run = self.run_tool("-c", URI, "--metrics", "/nonexistent/file", "/usr/bin/vmm")
        self.assertEqual(run.all, (1, "", "error: a domain is required. See --help.\n"))

    def test_several_domains_as_json(self):
        run = self.run_tool("-q", "-c", URI, "--json", "nosuch", "test")
        told = [json.loads(line) for line in run.out.splitlines()]
        self.assertEqual([entry["domain"] for entry in told], ["nosuch", "test"])
        self.assertEqual(told[0]["error"]["desc"], "failed to get domain 'nosuch'")

    def test_what_starts_nothing_fails_with_its_own_words(self):
        for option, message in (
                ("--abort", "error: Failed to cancel the update of domain 'test'\n"),
                ("--wait", "error: Failed to wait for the update of domain 'test'\n"),
                ("--info", "error: failed to get the last update of domain 'test'\n")):
            run = self.run_tool("-c", URI, option, "test")
            self.assertEqual(run.all, (1, "", message + NOT_SUPPORTED))

    def test_domain_is_enabled(self):
        run = self.run_tool("-c", URI, "--enable", "--print-xml", "test")
        self.assertEqual(run.status, 0)
        self.assertIn("/virt-cpr-qemu</emulator>", run.out)
        self.assertIn("shut down and started again", run.err)
        run = self.run_tool("-c", URI, "--enable", "test", "/opt/virt-cpr-emulator")
        self.assertEqual(run.all, (
            0, "Domain 'test' enabled for updates in place\n\n",
            "its guest can be updated in place once it has been shut down and started again\n"))
        run = self.run_tool("-c", URI, "--enable", "--print-xml", "test", "/opt/virt-cpr-emulator")
        self.assertIn('<access mode="shared"/>', run.out)
        run = self.run_tool("-c", URI, "--enable", "--print-xml", "--backend", "qemu", "test",
                            "/opt/virt-cpr-emulator")
        self.assertNotIn("<access", run.out)
        self.assertEqual(self.run_tool("-q", "-c", URI, "--enable", "test").all, (0, "", ""))

    def test_domain_that_was_not_enabled_is_not_disabled(self):
        run = self.run_tool("-c", URI, "--disable", "test")
        self.assertEqual(run.all, (
            1, "", "error: Failed to disable domain 'test' for updates in place\n"
            "error: the domain has not been prepared for updates\n"))
        self.assertEqual(self.run_tool("-c", URI, "--disable", "nosuch").all,
                         (1, "", "error: failed to get domain 'nosuch'\n"))

    def test_policy_and_history(self):
        run = self.run_tool("-c", URI, "--policy", "test")
        self.assertEqual(run.all, (0, "Allowed:         yes\nMode:            auto\n"
                                   "Longest pause:   no limit\n\n", ""))
        run = self.run_tool("-c", URI, "--set-policy", "allowed=no,max-pause=5", "test")
        self.assertEqual(run.all, (0, "Policy of domain 'test' set\n\n", ""))
        run = self.run_tool("-c", URI, "--set-policy", "mode=fast", "test")
        self.assertIn("'fast'; it must be 'auto', 'exec' or 'transfer'", run.err)
        run = self.run_tool("-c", URI, "--history", "--json", "test")
        self.assertEqual(run.all, (0, '{"history":[]}\n\n', ""))
        self.assertIn("Generation", self.run_tool("-c", URI, "--history", "test").out)

    def test_wrong_use_of_what_updates_nothing(self):
        for arguments, message in (
                (["--enable", "--disable", "a"],
                 "Options --enable and --disable are mutually exclusive"),
                (["--policy", "--check", "a"], "Options --policy and --check are mutually exclusive"),
                (["--disable", "a", "/b"], "unexpected argument '/b'. See --help."),
                (["--print-xml", "a"], "Option --print-xml is only for --enable, --disable"),
                (["--enable", "--backend", "xen", "a"],
                 "there is no backend 'xen'; there are qemu and cpr-vmm"),
                (["--enable", "a", "b"], "--enable is for one domain. See --help."),
                (["--history", "--all"], "--history is for one domain. See --help."),
                (["--set-policy", "allowed", "a"], "'allowed' is not of the form NAME=VALUE")):
            self.assertEqual(self.run_tool("-c", URI, *arguments).err, f"error: {message}\n")

    def test_help_and_version(self):
        self.assertIn("--check", self.run_tool("--help").out)
        self.assertEqual(self.run_tool("--help").status, 0)
        self.assertRegex(self.run_tool("--version").out, r"^\d+\.\d+\.\d+\S*\n$")


class Typist:
    """An interactive session on a terminal, typed into."""

    PROMPT = "virsh # "

    def __init__(self, path, arguments, env=None):
        self.shown = ""
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/nonexistent",
                       "TERM": "dumb", "LD_LIBRARY_PATH": str(BUILD / ".libs"), **(env or {})}
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(path, [str(path), *arguments], environment)
        self.wait_for(self.PROMPT)

    def wait_for(self, text, limit_s=60):
        """Read until the text is shown; returns what was shown up to there."""
        end = time.monotonic() + limit_s
        while text not in self.shown:
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {text!r} in {self.shown!r}")
            self.shown += os.read(self.terminal, 4096).decode()
        before, _, self.shown = self.shown.partition(text)
        return before.replace("\r\n", "\n")

    def type(self, keys):
        """The keys, as they are."""
        os.write(self.terminal, keys.encode())

    def say(self, line):
        """A line; returns what virsh says to it."""
        self.type(line + "\r")
        self.wait_for("\n")
        return self.wait_for(self.PROMPT)

    def end(self):
        """Leave; returns the exit status."""
        self.type("quit\r")
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.terminal)
        return status


@unittest.skipUnless(STOCK, "virsh is not installed (Debian package libvirt-clients)")
class FrontEnd(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.front_end = pathlib.Path(self.folder.name) / "virsh"
        self.front_end.symlink_to(program("src/tools/virsh"))

    def run_front_end(self, *arguments, **keywords):
        return Run(self.front_end, arguments, **keywords)

    def assert_same(self, *arguments, **keywords):
        self.assertEqual(self.run_front_end(*arguments, **keywords).all,
                         Run(STOCK, arguments, **keywords).all, arguments)

    def test_everything_else_is_the_stock_one(self):
        for arguments in (
                ["list", "--all"], ["-q", "list", "--name"], ["list;uri"], ["list\nuri # no"],
                ["uri", ";", "uri"], ["domid", "test"], ["domid", "nosuch"], ["nosuch"],
                ["suspend"], ["suspend", "--nosuch"], ["echo 'a"], ["echo", "a  b", "", "é"],
                ["echo", "--shell", "update-in-place g1"], ["echo 'update-in-place g1'"], [""],
                ["version"], ["help", "suspend"], ["suspend", "--help"], ["help", "nosuch"],
                ["help", "snapshot"], ["quit"], ["complete", "--", "sus"]):
            self.assert_same("-c", URI, *arguments)

    def test_global_options_are_the_stock_ones(self):
        for arguments in (["-v"], ["-V"], ["--version"], ["--version=long"], ["--nosuch"], ["-c"],
                          ["-k", "x", "list"], ["-e", "xx", "list"], ["-d", "9", "-c", URI, "uri"],
                          ["--connect", URI, "-r", "uri"], [f"--conn={URI}", "-qr", "uri"]):
            self.assert_same(*arguments)

    def test_interactive_mode_is_the_stock_one(self):
        self.assert_same("-c", URI, stdin="uri\nlist --name\nquit\n")
        self.assert_same("-c", URI, "-q", stdin="nosuch\n")

    def typist(self, *arguments):
        return Typist(self.front_end, ["-c", URI, *arguments])

    def test_interactive_mode_has_the_command(self):
        typist = self.typist()
        self.assertEqual(typist.say("update-in-place test"),
                         "error: Failed to update domain 'test' in place\n" + NOT_SUPPORTED + "\n")
        self.assertEqual(typist.say("uri; update-in-place nosuch; echo 'a  b'"),
                         f"{URI}\n\nerror: failed to get domain 'nosuch'\n\na  b\n")
        self.assertIn("Allowed:         yes\n", typist.say("update-in-place --policy test"))
        self.assertIn(LISTED, typist.say("help domain"))
        self.assertIn("update-in-place <domain>", typist.say("help update-in-place"))
        self.assertIn("requires <domain> option", typist.say("update-in-place"))
        self.assertEqual(typist.say("echo 'update-in-place test'"), "update-in-place test\n")
        self.assertEqual(typist.end(), 0)

    def test_interactive_mode_keeps_what_was_typed(self):
        typist = self.typist()
        typist.say("echo first")
        typist.say("echo a; update-in-place nosuch")
        self.assertIn("failed to get domain 'nosuch'", typist.say("\x10"))  # the line before
        self.assertEqual(typist.say("\x10\x10\x10"), "first\n")
        self.assertEqual(typist.end(), 0)

    def test_interactive_mode_completes_the_command(self):
        typist = self.typist()
        typist.type("update-in\t")
        typist.wait_for("update-in-place ")
        typist.type("t\t")
        typist.wait_for("test ")
        typist.type("--chec\t")
        typist.wait_for("--check ")
        self.assertIn("cannot be updated in place", typist.say(""))
        typist.type("update-dev\t")
        typist.wait_for("update-device ")
        typist.type("\x15")
        self.assertEqual(typist.end(), 0)

    def test_interactive_mode_goes_where_the_session_goes(self):
        typist = Typist(self.front_end, ["-q", "-c", "test:///default"])
        typist.say("connect nosuch:///x")
        self.assertIn("failed to connect", typist.say("update-in-place test"))
        typist.say(f"connect {URI}")
        self.assertEqual(typist.say("update-in-place nosuch"),
                         "error: failed to get domain 'nosuch'\n")
        self.assertEqual(typist.end(), 0)

    def test_commands_on_standard_input(self):
        run = self.run_front_end("-c", URI, stdin="update-in-place nosuch\nuri\n")
        self.assertIn("failed to get domain 'nosuch'", run.err)
        self.assertIn(URI, run.out)

    def test_nothing_of_ours_is_in_programs_that_virsh_starts(self):
        editor = pathlib.Path(self.folder.name) / "editor"
        seen = pathlib.Path(self.folder.name) / "seen"
        editor.write_text(f"#!/bin/sh\nenv >{seen}\n")
        editor.chmod(0o755)
        self.run_front_end("-c", URI, stdin="edit test\n", env={"EDITOR": str(editor)})
        self.assertNotIn("LD_PRELOAD", seen.read_text())

    def test_what_is_asked_of_a_domain_instead(self):
        run = self.run_front_end("-c", URI, "update-in-place --policy test; "
                                 "update-in-place test --enable --print-xml")
        self.assertIn("Allowed:         yes\n", run.out)
        self.assertIn("/virt-cpr-qemu</emulator>", run.out)
        self.assertEqual(run.status, 0)
        run = self.run_front_end("-c", URI, "update-in-place", "test", "--history", "--check")
        self.assertEqual(run.all, (
            1, "", "error: Options --history and --check are mutually exclusive\n"))

    def test_update_fails_as_a_command_of_virsh_does(self):
        # suspend is a command with the same first argument.
        for words in ([], ["nosuch"], ["999"], ["--domain"], ["--domain", "nosuch"],
                      ["--nosuch"], ["--domain=nosuch", "--nosuch"]):
            for options in ([], ["-q"], ["-r"]):
                ours = self.run_front_end("-c", URI, *options, "update-in-place", *words)
                stock = Run(STOCK, ["-c", URI, *options, "suspend", *words])
                self.assertEqual(ours.all, (stock.status, stock.out,
                                            stock.err.replace("suspend", "update-in-place")), words)

    def test_update_is_ours(self):
        run = self.run_front_end("-c", URI, "update-in-place", "test")
        self.assertEqual(run.all, (
            1, "\n", "error: Failed to update domain 'test' in place\n" + NOT_SUPPORTED))

    def test_readonly_connection_is_refused_by_libvirt(self):
        run = self.run_front_end("-r", "-c", URI, "update-in-place", "test")
        self.assertIn("read only access prevents", run.err)

    def test_string_runs_in_order_with_the_last_status(self):
        for line in ("uri; suspend nosuch; echo b", "uri; suspend nosuch",
                     "echo a; quit; suspend nosuch", "suspend nosuch\n\n;uri # x"):
            ours = self.run_front_end("-c", URI, line.replace("suspend", "update-in-place"))
            stock = Run(STOCK, ["-c", URI, line])
            self.assertEqual(ours.all, stock.all, line)

    def test_wrong_use_in_a_string_runs_nothing(self):
        run = self.run_front_end("-c", URI, "echo a; update-in-place")
        self.assertEqual(run.all, (
            1, "", "error: command 'update-in-place' requires <domain> option\n"))

    def test_connect_in_a_string_counts(self):
        run = self.run_front_end("-c", "nosuch:///", f"connect {URI}; update-in-place test; uri")
        self.assertIn(NOT_SUPPORTED, run.err)
        self.assertIn(URI, run.out)

    def test_listings_name_the_command(self):
        for arguments in (["help"], ["help", "domain"], ["--help"]):
            ours = self.run_front_end(*arguments)
            stock = Run(STOCK, arguments)
            self.assertIn(LISTED, ours.out)
            self.assertEqual((ours.status, ours.out.replace(LISTED, ""), ours.err), stock.all)

    def test_help(self):
        run = self.run_front_end("help", "update-in-place")
        self.assertEqual(run.status, 0)
        self.assertIn("update-in-place <domain>", run.out)
        self.assertEqual(self.run_front_end("update-in-place", "--help").out, run.out)

    def test_completion(self):
        def complete(*words):
            return self.run_front_end("-q", "-c", URI, "complete", "--", *words).out.split()
        self.assertIn("update-in-place", complete("upd"))
        self.assertIn("update-device", complete("upd"))
        self.assertEqual(complete("update-in-place", "t"), ["test"])
        self.assertEqual(complete("update-in-place", "test", "--ch"), ["--check"])

    def test_diverted_virsh_is_used(self):
        distrib = pathlib.Path(self.folder.name) / "virsh.distrib"
        distrib.write_text("#!/bin/sh\necho diverted \"$@\"\nexit 7\n")
        distrib.chmod(0o755)
        self.assertEqual(self.run_front_end("list", "a b").all, (7, "diverted list a b\n", ""))

    def test_missing_stock_virsh_is_a_clear_error(self):
        run = self.run_front_end("list", env={"PATH": self.folder.name})
        self.assertEqual(run.status, 1)
        self.assertIn("libvirt-clients", run.err)


if __name__ == "__main__":
    unittest.main()
