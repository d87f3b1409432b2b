#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent as a process, with libvirt's test driver, and the `openstack` command that speaks to it."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import support
import libvirt
import world

PLUGIN = support.TOP / "nova/data/entry_points.txt"
SECONDS = 120

CONFIGURATION = """
[DEFAULT]
host = {host}
state_path = {folder}/state
[libvirt]
connection_uri = test:///default
[api]
bind_host = 127.0.0.1
bind_port = {port}
[nova]
{auth}
[keystone_authtoken]
www_authenticate_uri = {url}/v3
{auth}
"""
AUTH = """auth_type = password
auth_url = {url}/v3
username = u
password = p
project_name = service
user_domain_name = Default
project_domain_name = Default
"""


def free_port():
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Agent(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        connection = libvirt.open("test:///default")
        self.world = world.World([], connection.getHostname())
        connection.close()
        self.addCleanup(self.world.close)
        self.port = free_port()
        auth = AUTH.format(url=self.world.url)
        self.configuration = self.folder / "agent.conf"
        self.configuration.write_text(CONFIGURATION.format(
            host=world.HOST, folder=self.folder, port=self.port, auth=auth, url=self.world.url))
        # What is installed: modules, and the entry points beside them.
        info = self.folder / "python/libvirt_cpr_nova-0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: libvirt-cpr-nova\nVersion: 0\n")
        shutil.copy(PLUGIN, info)
        self.environment = dict(
            {name: value for name, value in os.environ.items() if not name.startswith("OS_")},
            PYTHONPATH=":".join([str(self.folder / "python"), *sys.path[:2]]), PYTHONDONTWRITEBYTECODE="1",
            OS_AUTH_URL=f"{self.world.url}/v3", OS_USERNAME="u", OS_PASSWORD="p", OS_PROJECT_NAME="service",
            OS_USER_DOMAIN_NAME="Default", OS_PROJECT_DOMAIN_NAME="Default", OS_IDENTITY_API_VERSION="3",
            OS_VMM_AGENT_URL=f"http://HOST_IP:{self.port}", HOME=str(self.folder))

    def start(self):
        """The process of the agent."""
        return subprocess.Popen([sys.executable, "-m", "libvirt_cpr_nova.agent", "--config-file", self.configuration],
                                env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    @contextlib.contextmanager
    def running(self):
        """An agent that answers; at the end it is stopped, and has to end well."""
        with self.start() as process:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end and process.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                    break
                time.sleep(0.05)
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                log, said = process.communicate(timeout=SECONDS)
            self.assertEqual(process.returncode, 0, said)
            self.assertIn(f"The agent of the host {world.HOST} listens", log)
            self.assertNotIn("\33", log)

    def openstack(self, *words):
        """What the command does."""
        return subprocess.run([sys.executable, "-m", "openstackclient.shell", *words], env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS, check=False)

    def test_a_host_is_updated_by_the_openstack_command(self):
        with self.running():
            done = self.openstack("compute", "vmm", "update", world.HOST, "--wait", "-f", "json")
            self.assertEqual((done.returncode, json.loads(done.stdout or "0")), (0, []), done.stderr)
            told = self.openstack("compute", "vmm", "job", "list", world.HOST, "-f", "json")
            self.assertEqual([(job["Action"], job["Status"]) for job in json.loads(told.stdout)],
                             [("update", "completed")], told.stderr)
            listed = self.openstack("compute", "vmm", "list", "-f", "value")
            self.assertEqual((listed.returncode, listed.stdout.strip()), (0, ""), listed.stderr)
        statuses = [body["status"] for method, _path, body in self.world.requests if method == "PUT"]
        self.assertEqual(statuses, ["disabled", "enabled"])

    def test_a_second_agent_is_refused(self):
        with self.running():
            with self.start() as second:
                _out, said = second.communicate(timeout=SECONDS)
            self.assertEqual(second.returncode, 1)
            self.assertIn("there is one agent for a host", said)

    def test_who_is_no_administrator_is_told_nothing(self):
        with self.running():
            self.world.roles = ["member"]
            told = self.openstack("compute", "vmm", "list", "--host", world.HOST)
            self.assertEqual(told.returncode, 1)
            self.assertIn("the policy does not allow libvirt_cpr:vmm:list", told.stderr)

    def test_tls(self):
        certificate, key = self.folder / "certificate", self.folder / "key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
                       capture_output=True)
        text = self.configuration.read_text()
        self.configuration.write_text(text.replace(
            "[api]", f"[api]\ntls_certificate = {certificate}\ntls_key = {key}"))
        with self.running():
            request = urllib.request.Request(f"https://127.0.0.1:{self.port}/v1/jobs",
                                             headers={"X-Auth-Token": "token-1"})
            trusted = ssl.create_default_context(cafile=certificate)
            with urllib.request.urlopen(request, context=trusted, timeout=SECONDS) as answer:
                self.assertEqual(json.load(answer), {"jobs": []})
            with self.assertRaises(OSError):
                urllib.request.urlopen(request.full_url.replace("https", "http"), timeout=SECONDS)

    def test_an_agent_that_does_not_run(self):
        for words in (("list", "--host", world.HOST), ("update", world.HOST)):
            told = self.openstack("compute", "vmm", *words)
            self.assertEqual(told.returncode, 1)
            self.assertIn("does not answer", told.stderr)
            self.assertNotIn("Traceback", told.stderr)

    def test_a_configuration_that_is_wrong(self):
        text = self.configuration.read_text()
        for wrong, part in ((text.replace("test:///default", "qemu+ssh://other/system"), "leads to another host"),
                            (text.replace("auth_type = password", ""), "[nova] of the configuration has no auth_type"),
                            (text.replace(f"= {self.port}", "= many"), "bind_port")):
            self.configuration.write_text(wrong)
            with self.start() as process:
                _out, said = process.communicate(timeout=SECONDS)
            self.assertEqual(process.returncode, 1)
            self.assertIn(part, said)
            self.assertNotIn("Traceback", said)


if __name__ == "__main__":
    unittest.main()
