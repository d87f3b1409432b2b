#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent's HTTP API behind its authentication: who may do what, and what is not understood."""
import logging
import tempfile
import unittest

import support  # noqa: F401  pylint: disable=unused-import
import engine
import webob
import world
from libvirt_cpr_nova import access, http_api, journal
from oslo_config import cfg

A = "aaaaaaaa-0000-4000-8000-000000000000"


class Api(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.world = world.World([world.Server(A)])
        self.addCleanup(self.world.close)
        book = journal.Journal(folder.name)
        self.addCleanup(book.close)
        self.engine = engine.Engine(self.world.url, book)
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[])
        self.api = http_api.Api(world.HOST, world.Vmms(self.world.url), book, self.engine.worker, access.enforcer(conf))

    def ask(self, method, path, body=None, roles="admin"):
        """An answer, as of someone whose token auth_token has found to have these roles."""
        who = {"X-Roles": roles, "X-User-Id": "someone", "X-Identity-Status": "Confirmed"}
        request = webob.Request.blank(path, method=method, headers=who)
        if isinstance(body, bytes):
            request.body = body
        elif body is not None:
            request.json_body = body
        return request.get_response(self.api)

    def work(self):
        """Have the worker do what it has been given."""
        self.engine.worker.start()
        while any(not job.ended for job in self.engine.journal.all()):
            self.engine.stop.wait(0.01)
        self.engine.stop.set()
        self.engine.worker.join()

    def test_instances_are_listed(self):
        answer = self.ask("GET", "/v1/instances")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.json["host"], world.HOST)
        self.assertEqual([(vmm["server_id"], vmm["state"]) for vmm in answer.json["instances"]], [(A, "outdated")])

    def test_a_job_is_taken_done_and_told_of(self):
        answer = self.ask("POST", "/v1/jobs", {"job": {"action": "update", "server_id": A}})
        self.assertEqual((answer.status_code, answer.json["job"]["status"]), (202, "queued"))
        self.assertEqual(answer.json["job"]["requested_by"], "someone")
        self.work()
        path = answer.headers["Location"].removeprefix("http://localhost")
        told = self.ask("GET", path).json["job"]
        self.assertEqual((told["status"], told["instances"][0]["result"]), ("completed", "updated"))
        self.assertNotIn("unanswered", told["instances"][0])
        self.assertEqual(self.ask("GET", "/v1/jobs").json["jobs"], [told])

    def test_only_administrators_may(self):
        for method, path, body in (("GET", "/v1/instances", None), ("GET", "/v1/jobs", None),
                                   ("GET", f"/v1/jobs/{A}", None), ("POST", "/v1/jobs", {"job": {"action": "check"}}),
                                   ("POST", "/v1/jobs", {"job": {"action": "update"}})):
            self.assertEqual(self.ask(method, path, body, roles="member,reader").status_code, 403, path)
        self.assertEqual(self.engine.journal.all(), [])

    def test_what_is_not_understood(self):
        for body in (b"", b"{", b"\xff", [], {}, {"job": []}, {"job": {}}, {"job": {"action": "reboot"}},
                     {"job": {"action": "update", "parallel": 0}}, {"job": {"action": "update", "parallel": True}},
                     {"job": {"action": "update", "parallel": 65}}, {"job": {"action": "update", "max_failures": 0}},
                     {"job": {"action": "update", "server_id": 7}}, {"job": {"action": "update", "force": 1}},
                     {"job": {"action": "update", "what": 1}}, {"job": {"action": "update"}, "more": 1}):
            answer = self.ask("POST", "/v1/jobs", body)
            self.assertEqual(answer.status_code, 400, body)
            self.assertTrue(answer.json["error"]["message"])
        self.assertEqual(self.ask("POST", "/v1/jobs", b" " * 70000).status_code, 413)
        self.assertEqual(self.engine.journal.all(), [])

    def test_what_there_is_not(self):
        for path in ("/", "/v1", "/v2/jobs", "/v1/jobs/7", f"/v1/jobs/{A}", "/v1/jobs/../jobs"):
            self.assertEqual(self.ask("GET", path).status_code, 404, path)
        self.assertEqual(self.ask("DELETE", "/v1/jobs").status_code, 405)

    def test_jobs_wait_their_turn(self):
        first = self.ask("POST", "/v1/jobs", {"job": {"action": "update", "server_id": A}}).json["job"]["id"]
        second = self.ask("POST", "/v1/jobs", {"job": {"action": "update"}}).json["job"]["id"]
        self.work()
        told = {job["id"]: job["instances"][0]["result"] for job in self.ask("GET", "/v1/jobs").json["jobs"]}
        self.assertEqual(told, {first: "updated", second: "current"})
        self.assertEqual(self.world.servers[A].updates, 1)


if __name__ == "__main__":
    logging.disable()
    unittest.main()
