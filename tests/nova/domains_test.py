#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is made of libvirt's domains, over its test driver."""
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import support
import libvirt
import libvirt_cpr
from libvirt_cpr_nova import domains, errors

BUILD = pathlib.Path(os.environ.get("CPR_BUILDDIR", support.TOP / "build"))
libvirt_cpr._LIBRARY = str(BUILD / ".libs/liblibvirt-cpr.so.0")

A, B, C, NONE = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abcd")

NODE = """<node>
  <domain type='test'>
    <name>instance-00000001</name><uuid>{a}</uuid><memory>1024</memory><os><type>hvm</type></os>
    <metadata>
      <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
        <nova:package version="26.2.2"/><nova:name>web-1</nova:name>
        <nova:owner><nova:user uuid="u">admin</nova:user><nova:project uuid="p1">demo</nova:project></nova:owner>
      </nova:instance>
    </metadata>
    <devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices>
  </domain>
  <domain type='test'>
    <name>no-instance</name><uuid>{b}</uuid><memory>1024</memory><os><type>hvm</type></os>
  </domain>
  <domain type='test'>
    <name>forbidden</name><uuid>{c}</uuid><memory>1024</memory><os><type>hvm</type></os>
    <metadata>
      <cpr:policy xmlns:cpr="http://libvirt-cpr.org/xmlns/domain/policy/1.0" allowed="no"/>
    </metadata>
  </domain>
</node>""".format(a=A, b=B, c=C)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.conf = pathlib.Path(folder.name) / "emulators.conf"
        node = pathlib.Path(folder.name) / "node.xml"
        node.write_text(NODE)
        self.domains = domains.Domains(f"test://{node}", self.conf, 5)


class OverTheTestDriver(Case):
    def test_connections_to_other_hosts_are_refused(self):
        for uri in ("qemu+ssh://other/system", "qemu://other/system", "qemu+tls:///system"):
            with self.assertRaisesRegex(errors.AgentError, "another host"):
                domains.Domains(uri, self.conf, 5)
        for uri in ("qemu:///system", "qemu:///session"):
            domains.Domains(uri, self.conf, 5)

    def test_instances_are_known_by_their_metadata(self):
        with self.domains._connection() as connection:
            domain = connection.lookupByUUIDString(A)
            self.assertEqual(domains._nova_metadata(domain), {"name": "web-1", "project_id": "p1"})
            self.assertIsNone(domains._nova_metadata(connection.lookupByUUIDString(B)))

    def test_a_domain_that_is_no_instance_is_none(self):
        with self.assertRaisesRegex(errors.NotFound, "none of Nova's"):
            self.domains.vmm(B)

    def test_a_domain_that_there_is_not(self):
        for call in (self.domains.vmm, self.domains.position, self.domains.begin, self.domains.check):
            with self.assertRaisesRegex(errors.NotFound, "libvirt has no domain"):
                call(NONE)
        outcome = self.domains.outcome(NONE, domains.Position(1, 2, 3))
        self.assertEqual(outcome.result, "unknown")

    def test_a_domain_that_was_started_anew(self):
        self.assertEqual(self.domains.outcome(A, domains.Position(99, 2, 3)).message,
                         "the guest was started anew meanwhile")

    def test_a_guest_of_which_libvirt_cannot_tell_is_listed(self):
        told = [(vmm.server_id, vmm.name, vmm.state) for vmm in self.domains.vmms()]
        self.assertEqual(told, [(A, "web-1", domains.UNKNOWN)])
        self.assertIn("not supported by the connection driver", self.domains.vmm(A).message)

    def test_libvirt_that_does_not_answer_is_tried_again(self):
        with self.assertRaisesRegex(errors.Unavailable, "not supported by the connection driver"):
            self.domains.position(A)
        with self.assertRaises(errors.Unavailable):
            domains.Domains("test:///nowhere/node.xml", self.conf, 5).vmms()

    def test_a_policy_that_forbids_is_a_refusal(self):
        with self.assertRaises(domains.Refusal) as raised:
            self.domains.begin(C)
        outcome = raised.exception.outcome
        self.assertEqual((outcome.result, outcome.code), ("refused", "not-allowed"))
        self.assertEqual(self.domains.check(C).code, "not-allowed")

    def test_remedies_know_whether_the_host_is_set_up(self):
        with self.domains._connection() as connection:
            domain = connection.lookupByUUIDString(A)
            self.assertIn("virt-cpr-emulators divert /usr/bin/qemu-system-x86_64", self.domains._remedy(domain))
            for text, there in (("[qemu-system-x86_64]\nbinary=/usr/bin/qemu-system-x86_64.distrib\n", False),
                                ("[virt-cpr-qemu]\nbinary=/usr/bin/qemu-system-x86_64\n", True)):
                self.conf.write_text(text)
                self.assertEqual("virt-cpr-emulators divert" in self.domains._remedy(domain), there)


ERROR = (1, 2, "the reason", 2, None, None, None, 0, 0)
VERSIONS = {"old.version": "10.0.2", "new.version": "10.0.3", "pause.total-ns": 12345678}


class OfLibvirtCpr(Case):
    """What is made of libvirt-cpr's answers, which the test driver cannot give."""

    def outcome(self, last_job, generation=0, wait=None, job=None, history=(), check=False):
        """Of an update before which the domain's last job was the third, in generation 0."""
        before = domains.Position(self.domain_id(), 3, 0)
        with mock.patch.multiple(
                libvirt_cpr, job_json=lambda _domain: {"job-id": last_job, "generation": generation, "check": check},
                history=lambda _domain: list(history), wait=mock.Mock(side_effect=[wait])):
            return self.domains.outcome(A, before, job)

    def domain_id(self):
        """libvirt's number of the domain."""
        with self.domains._connection() as connection:
            return connection.lookupByUUIDString(A).ID()

    def job(self, status, **params):
        """A final report."""
        return libvirt_cpr.JobInfo(status, {**VERSIONS, **params})

    def test_an_update_that_was_never_begun(self):
        outcome = self.outcome(3)
        self.assertEqual((outcome.result, outcome.message), ("failed", "the update was not begun"))

    def test_an_update_whose_number_was_not_learnt(self):
        outcome = self.outcome(4, wait=self.job(libvirt_cpr.JobStatus.COMPLETED))
        self.assertEqual((outcome.result, outcome.old_version, outcome.new_version, outcome.pause_ms),
                         ("updated", "10.0.2", "10.0.3", 12.3))

    def test_a_check_of_others_is_not_taken_for_it(self):
        self.assertEqual(self.outcome(4, check=True, wait=self.job(libvirt_cpr.JobStatus.COMPLETED)).result, "failed")

    def test_updates_that_did_not_complete(self):
        blocker = {"blockers.count": 1, "blockers.0.id": "i", "blockers.0.reason": "r", "blockers.0.remedy": "m"}
        for status, result in ((libvirt_cpr.JobStatus.ROLLED_BACK, "rolled-back"),
                               (libvirt_cpr.JobStatus.FAILED, "refused"), (libvirt_cpr.JobStatus.CANCELLED, "failed")):
            outcome = self.outcome(4, wait=libvirt_cpr.CprError("c", ERROR, self.job(status, **blocker)))
            self.assertEqual((outcome.result, outcome.code, outcome.message), (result, "c", "the reason"))
            self.assertEqual(outcome.blockers, [{"id": "i", "reason": "r", "remedy": "m"}])

    def test_an_update_that_does_not_end(self):
        self.assertEqual(self.outcome(4, wait=libvirt_cpr.TimedOut("timeout", ERROR)).result, "unknown")

    def test_an_update_that_others_came_after(self):
        history = [{"generation": 1, "version": "10.0.3"}, {"generation": 2, "version": "10.0.4"}]
        outcome = self.outcome(5, 2, job=4, history=history)
        self.assertEqual((outcome.result, outcome.new_version), ("updated", "10.0.3"))
        self.assertEqual(self.outcome(5, 0, job=4).result, "failed")

    def test_a_connection_that_is_lost_is_no_outcome(self):
        with self.assertRaises(errors.Unavailable):
            self.outcome(4, wait=libvirt.libvirtError("the connection is lost"))

    def vmm(self, stats):
        """A VMM of which libvirt-cpr tells that."""
        nothing = libvirt_cpr.JobInfo(libvirt_cpr.JobStatus.NONE, {})
        with mock.patch.multiple(libvirt_cpr, stats=mock.Mock(side_effect=[stats]), job_info=lambda _domain: nothing):
            return self.domains.vmm(A)

    def test_states(self):
        running = {"generation": 1, "running": {"binary": "/b", "version": "10.0.2"}}
        for more, state in (({"outdated": True}, "outdated"), ({"outdated": False}, "current"),
                            ({"error": {"code": "c", "desc": "why"}}, "unknown")):
            vmm = self.vmm({**running, **more})
            self.assertEqual((vmm.state, vmm.version, vmm.generation), (state, "10.0.2", 1))
        self.assertEqual(vmm.message, "why")
        vmm = self.vmm(libvirt_cpr.Unsupported("unsupported", ERROR))
        self.assertEqual(vmm.state, "not-updatable")
        self.assertIn("reboot the server hard", vmm.remedy)


if __name__ == "__main__":
    unittest.main()
