#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the Ansible role makes of the words of a host's tools."""
import json
import pathlib
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "data/ansible/roles/libvirt_cpr_update/module_utils"))

import libvirt_cpr_host as host  # noqa: E402

DOMSTATS = """Domain: 'g1'
  state.state=1
  state.reason=1

Domain: 'it's g2'
  state.state=3
  state.reason=10

Domain: 'g3'
  state.state=5
  state.reason=2
"""
METRICS = r"""# TYPE libvirt_cpr_domains gauge
libvirt_cpr_info{version="0.2.0"} 1
libvirt_cpr_domains 3
libvirt_cpr_outdated_domains 1
libvirt_cpr_unknown_domains 1
libvirt_cpr_unsupported_domains 4
libvirt_cpr_domain_outdated{domain="g1"} 1
libvirt_cpr_domain_outdated{domain="a \"b\" \\c"} 0
libvirt_cpr_updates_total{domain="g1",status="completed"} 2
"""
EMULATORS = """ Emulator            Version        Binary
------------------------------------------
 virt-cpr-emulator   0.2.0          /usr/libexec/libvirt-cpr/cpr-vmm
 virt-cpr-qemu       11.1.3         /usr/bin/qemu-system-x86_64
 broken              (not usable)   /usr/bin/gone

"""


def domain(state, reason=1):
    """A domain as libvirt numbers it."""
    return {"state": state, "reason": reason}


class States(unittest.TestCase):
    """Domains before and after."""

    def test_domstats(self):
        self.assertEqual(host.parse_domstats(DOMSTATS), {"g1": domain(1), "it's g2": domain(3, 10), "g3": domain(5, 2)})
        self.assertEqual(host.parse_domstats(""), {})

    def test_guests_that_do_not_run_any_more(self):
        before = {name: domain(1) for name in ("runs", "crashed", "paused", "failed", "off", "moved", "gone", "sleeps")}
        before |= {"was-off": domain(5), "was-paused": domain(3)}
        after = {"runs": domain(1), "crashed": domain(5, 3), "paused": domain(3, 5), "failed": domain(5, 6),
                 "off": domain(5, 1), "moved": domain(5, 4), "sleeps": domain(7), "was-off": domain(5, 3),
                 "was-paused": domain(3)}
        self.assertEqual(host.compare(before, after), {
            "stopped": ["crashed (shut off, crashed)", "failed (shut off, failed)", "paused (paused, I/O error)"],
            "gone": ["gone (not defined any more)", "moved (shut off, migrated)", "off (shut off, shutdown)"]})

    def test_what_has_no_name_is_told_by_number(self):
        self.assertEqual(host.describe(domain(99, 98)), "state 99")


class Tools(unittest.TestCase):
    """libvirt-cpr's own."""

    def test_metrics(self):
        self.assertEqual(host.parse_metrics(METRICS), {"outdated": ["g1"], "current": ['a "b" \\c'], "unknown": 1,
                                                       "unsupported": 4})

    def test_emulators_that_can_be_used(self):
        self.assertEqual(host.parse_emulators(EMULATORS), {
            "virt-cpr-emulator": "/usr/libexec/libvirt-cpr/cpr-vmm", "virt-cpr-qemu": "/usr/bin/qemu-system-x86_64"})

    def test_results(self):
        jobs = [
            {"domain": "g1", "status": "completed", "old": {"version": "1"}, "new": {"version": "2"},
             "pause": {"total-ns": 12345678}},
            {"domain": "g2", "status": "failed", "error": {"desc": "no"},
             "blockers": [{"id": "b", "reason": "r", "remedy": "m"}]},
            {"domain": "g3", "status": "rolled-back", "error": {"desc": "it lacks a device"}},
            {"domain": "g4", "error": {"desc": "not begun"}},
            {"domain": "g5", "error": {"desc": "its policy forbids it", "code": "not-allowed"}}]
        text = "".join(json.dumps(job) + "\n" for job in jobs) + "\n"
        results = host.parse_results(text, ["g1", "g2", "g3", "g4", "g5", "g6"], "error: lost\nerror: it\n")
        self.assertEqual(results[0], {"domain": "g1", "result": "done", "old": "1", "new": "2", "pause_ms": 12.3})
        self.assertEqual([(result["result"], result["why"]) for result in results[1:]], [
            ("refused", "blocker b: r (remedy: m)"), ("rolled-back", "it lacks a device"), ("not begun", "not begun"),
            ("failed", "its policy forbids it"), ("failed", "lost: it")])
        self.assertEqual([result["domain"] for result in host.failures_of(results)], ["g2", "g3", "g5", "g6"])
        self.assertTrue(host.describe_failures(results).startswith("domain 'g2' refused: blocker b: r (remedy: m); "))


if __name__ == "__main__":
    unittest.main()
