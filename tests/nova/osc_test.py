#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plugin of the `openstack` command: finding agents and servers, tables, and what it does without."""
import subprocess
import sys
import unittest

import support  # noqa: F401  pylint: disable=unused-import
import world
from keystoneauth1 import session
from keystoneauth1.identity import v3
from libvirt_cpr_nova import errors
from libvirt_cpr_nova.osc import agent_client, tables

A, B = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "ab")
OF_THE_AGENT = ("libvirt", "libvirt_cpr", "libvirt_qemu", "cheroot", "webob", "keystonemiddleware", "oslo_messaging",
                "oslo_policy", "oslo_config", "oslo_log", "oslo_context")


class InACloud(unittest.TestCase):
    def setUp(self):
        self.world = world.World([world.Server(A), world.Server(B)])
        self.addCleanup(self.world.close)

    def cloud(self, url=None):
        """As plugin.make_client() has it."""
        auth = v3.Password(f"{self.world.url}/v3", username="u", password="p", project_name="service",
                           user_domain_name="Default", project_domain_name="Default")
        return agent_client.Cloud(session.Session(auth), url=url)

    def test_a_host_is_found_by_its_name_or_its_hypervisors(self):
        for name in (world.HOST, world.HYPERVISOR):
            self.assertEqual(self.cloud().host(name), agent_client.Host(world.HOST, "127.0.0.1", world.HYPERVISOR))
        with self.assertRaisesRegex(errors.NotFound, "no compute host compute"):
            self.cloud().host("compute")

    def test_where_an_agent_is(self):
        for host_ip, url, expected in (
                ("10.0.0.1", None, "http://10.0.0.1:8790"), ("fd00::1", None, "http://[fd00::1]:8790"),
                ("10.0.0.1", "https://HOST.example:1", "https://c1.example:1"),
                ("10.0.0.1", "https://HOST_IP:1/HOST", "https://10.0.0.1:1/c1"),
                ("10.0.0.1", "https://proxy.example/vmm/", "https://proxy.example/vmm/c1")):
            host = agent_client.Host("c1", host_ip, "c1.example")
            self.assertEqual(self.cloud(url)._agent_url(host), expected)

    def test_an_entry_of_the_catalog_tells(self):
        self.world.more_services = [(agent_client.SERVICE_TYPE, "https://HOST:9")]
        host = agent_client.Host("c1", "10.0.0.1", "c1.example")
        self.assertEqual(self.cloud()._agent_url(host), "https://c1:9")
        self.assertEqual(self.cloud("http://HOST:1")._agent_url(host), "http://c1:1")

    def test_a_server_is_found_by_id_or_by_a_name_that_is_its_own(self):
        name = self.world.servers[A].document()["name"]
        self.assertEqual(self.cloud().server(A)["id"], A)
        self.assertEqual(self.cloud().server(name)["id"], A)
        with self.assertRaisesRegex(errors.NotFound, "no server web"):
            self.cloud().server("web")
        self.world.servers[B].server_id = A.replace("0", "1")
        with self.assertRaisesRegex(errors.Denied, f"2 servers are called {name}"):
            self.cloud().server(name)

    def test_an_agent_that_is_restarted_is_waited_for(self):
        agent = self.cloud("http://127.0.0.1:1").agent(agent_client.Host("c1", "127.0.0.1", "c1"))
        answers = [errors.Unavailable("away"), {"id": "j", "status": "running"}, errors.Unavailable("away"),
                   {"id": "j", "status": "interrupted"}]

        def job(_job_id):
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        agent.job = job
        seen = []
        ended = agent.wait({"id": "j", "status": "queued"}, seen.append, pause=0.01)
        self.assertEqual(ended["status"], "interrupted")
        self.assertEqual([told["status"] for told in seen], ["running", "interrupted"])
        answers[:] = [errors.Unavailable("away")] * 1000
        with self.assertRaises(errors.Unavailable):
            agent.wait({"id": "j", "status": "queued"}, pause=0.01, patience=0.05)


class Tables(unittest.TestCase):
    def test_blockers_and_remedies_are_told(self):
        vmm = {"server_id": A, "name": "n", "project_id": "p", "state": "outdated", "version": "1", "generation": 0,
               "message": "it cannot be updated", "remedy": None,
               "blockers": [{"id": "qemu-tpm", "reason": "a TPM", "remedy": "remove it"}]}
        row = dict(zip(tables.INSTANCE_COLUMNS_LONG, tables.instance_row("c1", vmm, True)))
        self.assertEqual(row["Details"], "blocker qemu-tpm: a TPM (remedy: remove it)")
        self.assertEqual(row["Blockers"].machine_readable(), ["qemu-tpm"])
        vmm.update(blockers=[], message="old", remedy="reboot it")
        self.assertEqual(tables.instance_row("c1", vmm)[-1], "old; remedy: reboot it")


class Alone(unittest.TestCase):
    def test_it_does_without_what_only_the_agent_needs(self):
        program = (f"import sys; sys.path[:0] = {sys.path[:2]}\n"
                   f"for name in {OF_THE_AGENT}: sys.modules[name] = None\n"
                   "from libvirt_cpr_nova.osc import compute_vmm, plugin, server_vmm, vmm_job")
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
