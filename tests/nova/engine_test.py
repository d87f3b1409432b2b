#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The engine of the agent: what it does to Nova, and that nothing of it is left, whatever happens."""
import logging
import tempfile
import time
import unittest
from unittest import mock

import support  # noqa: F401  pylint: disable=unused-import
import engine
import world
from libvirt_cpr_nova import domains, errors, jobs, journal

A, B, C = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abc")


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def make(self, *servers):
        """A world with these."""
        made = world.World(servers)
        self.addCleanup(made.close)
        return made

    def run_job(self, there, **options):
        """Results of a job by server, the job, and what was notified of."""
        action = options.pop("action", "update")
        mine = [name for name in ("deadline", "grace", "host", "record") if name in options]
        engine_options = {name: options.pop(name) for name in mine}
        job, notes = engine.run(there.url, self.folder, jobs.Job(action, world.HOST, **options), **engine_options)
        return {instance.server_id: instance.result for instance in job.instances}, job, notes

    def require_untouched(self, there):
        """No lock and no disabled service that was not there before."""
        self.assertEqual([server.server_id for server in there.servers.values() if server.locked], [])
        self.assertEqual((there.service["status"], there.service["disabled_reason"]), ("enabled", None))


class Sweeps(Case):
    def test_all_instances_are_updated_under_lock_and_disabled_service(self):
        there = self.make(world.Server(A), world.Server(B))
        seen = []
        there.before.append(lambda method, path, body: seen.append(
            (there.service["status"], there.servers[A].locked)) if path.endswith("/metadata") else None)
        results, job, notes = self.run_job(there)
        self.assertEqual(results, {A: "updated", B: "updated"})
        self.assertEqual(job.status, "completed")
        self.assertEqual(seen, [("disabled", True), ("disabled", False)])
        self.assertEqual(notes, [("start", A), ("updated", A), ("start", B), ("updated", B)])
        self.assertEqual(there.servers[A].metadata["libvirt_cpr_vmm"], "2.0")
        self.require_untouched(there)

    def test_results_are_kept_as_a_tag_or_not_at_all(self):
        there = self.make(world.Server(A, "rolled-back"), world.Server(B))
        there.servers[A].tags += ["theirs", "libvirt-cpr:updated:0.9"]
        self.run_job(there, record="tag")
        self.assertEqual(there.servers[A].tags, ["theirs", "libvirt-cpr:rolled-back:1.0"])
        self.assertEqual(there.servers[B].tags, ["libvirt-cpr:updated:2.0"])
        self.run_job(there, record="none", force=True)
        self.assertEqual(there.servers[B].tags, ["libvirt-cpr:updated:2.0"])
        self.assertEqual((there.servers[A].metadata, there.servers[B].metadata), ({}, {}))

    def test_what_is_refused_or_rolled_back_fails_and_the_others_go_on(self):
        there = self.make(world.Server(A, "refused"), world.Server(B, "rolled-back"), world.Server(C))
        results, job, notes = self.run_job(there, parallel=3)
        self.assertEqual(results, {A: "refused", B: "rolled-back", C: "updated"})
        self.assertEqual(job.status, "failed")
        self.assertIn(("rolled-back", B), notes)
        self.require_untouched(there)

    def test_enough_failures_end_it(self):
        there = self.make(world.Server(A, "refused"), world.Server(B), world.Server(C))
        results, _job, _notes = self.run_job(there, max_failures=1)
        self.assertEqual(results, {A: "refused", B: "not-begun", C: "not-begun"})
        self.assertEqual([server.updates for server in there.servers.values()], [1, 0, 0])
        self.require_untouched(there)

    def test_what_is_current_is_left_unless_forced(self):
        there = self.make(world.Server(A))
        there.servers[A].state = domains.CURRENT
        self.assertEqual(self.run_job(there)[0], {A: "current"})
        self.assertEqual(there.servers[A].actions, [])
        self.assertEqual(self.run_job(there, force=True)[0], {A: "updated"})

    def test_a_check_changes_nothing(self):
        there = self.make(world.Server(A))
        self.assertEqual(self.run_job(there, action="check")[0], {A: "possible"})
        self.assertEqual([request for request in there.requests if request[0] != "GET"], [])

    def test_a_service_that_was_disabled_stays_so(self):
        there = self.make(world.Server(A))
        there.service.update(status="disabled", disabled_reason="broken fan")
        self.assertEqual(self.run_job(there)[0], {A: "updated"})
        self.assertEqual((there.service["status"], there.service["disabled_reason"]), ("disabled", "broken fan"))

    def test_a_service_that_others_disable_meanwhile_stays_so(self):
        there = self.make(world.Server(A))
        there.before.append(lambda method, path, body: there.service.update(disabled_reason=None)
                            if path.endswith("/metadata") else None)
        self.run_job(there)
        self.assertEqual((there.service["status"], there.service["disabled_reason"]), ("disabled", None))

    def test_an_agent_on_another_machine_touches_nothing(self):
        there = self.make(world.Server(A))
        there.service["host"] = "compute2"
        results, job, _notes = self.run_job(there, host="compute2")
        self.assertEqual((results, job.status), ({}, "failed"))
        self.assertIn("this machine is compute1.example", job.message)
        self.assertEqual([request for request in there.requests if request[0] != "GET"], [])


class Skipping(Case):
    def skipped(self, server, part):
        """One server is left alone, with a message."""
        there = self.make(server)
        before = list(server.actions), server.locked, server.reason
        results, job, notes = self.run_job(there, server_id=server.server_id)
        self.assertEqual(results, {server.server_id: "skipped"})
        self.assertIn(part, job.instances[0].message)
        self.assertEqual((job.status, notes), ("failed", []))
        self.assertEqual((server.actions, server.locked, server.reason), before)
        self.assertEqual(server.updates, 0)

    def test_a_lock_of_somebody_elses(self):
        server = world.Server(A)
        server.lock("ours", world.OTHERS)
        self.skipped(server, "locked: ours")

    def test_a_server_that_is_not_active(self):
        server = world.Server(A)
        server.status = "SHUTOFF"
        self.skipped(server, "SHUTOFF")

    def test_a_server_with_a_task(self):
        server = world.Server(A)
        server.task = "migrating"
        self.skipped(server, "migrating")

    def test_a_server_of_another_host(self):
        server = world.Server(A)
        server.host = "compute2"
        self.skipped(server, "compute2")

    def test_a_domain_that_is_not_here(self):
        server = world.Server(A)
        server.runs = False
        self.skipped(server, "does not run on this host")

    def test_a_guest_of_a_stock_vmm(self):
        server = world.Server(A)
        server.state, server.remedy = domains.NOT_UPDATABLE, "reboot it hard"
        self.skipped(server, "reboot it hard")

    def test_a_guest_that_does_not_answer_fails_before_it_is_locked(self):
        server = world.Server(A)
        server.state = domains.UNKNOWN
        there = self.make(server)
        results, job, _notes = self.run_job(there, server_id=A, deadline=0.1)
        self.assertEqual((results, server.actions), ({A: "failed"}, []))
        self.assertIn("does not answer", job.instances[0].message)

    def test_a_service_user_who_may_not_see_hosts(self):
        server = world.Server(A)
        server.host = None
        results, job, _notes = self.run_job(self.make(server), server_id=A)
        self.assertEqual((results, server.actions), ({A: "failed"}, []))
        self.assertIn("needs the role admin", job.instances[0].message)

    def test_a_server_that_there_is_not(self):
        results, _job, _notes = self.run_job(self.make(world.Server(A)), server_id=B)
        self.assertEqual(results, {B: "skipped"})


class Meanwhile(Case):
    """What others do while the agent works."""

    def once(self, there, path_end, method, act):
        """Before the first such request, `act` happens."""
        done = []

        def hook(verb, path, _body):
            if not done and verb == method and path.endswith(path_end):
                done.append(True)
                act(there.servers[A])
        there.before.append(hook)

    def test_a_lock_of_others_just_before_ours_stays(self):
        there = self.make(world.Server(A))
        self.once(there, "/action", "POST", lambda server: server.lock("mine", world.OTHERS))
        results, _job, _notes = self.run_job(there)
        self.assertEqual(results, {A: "skipped"})
        self.assertTrue(there.servers[A].locked)
        self.assertEqual(there.servers[A].updates, 0)

    def test_a_lock_of_others_after_ours_stays(self):
        for lock in (("mine", world.OTHERS), (None, world.OTHERS), ("mine", world.US)):
            there = self.make(world.Server(A))
            self.once(there, "/metadata", "POST", lambda server, lock=lock: server.lock(*lock))
            self.assertEqual(self.run_job(there)[0], {A: "updated"})
            self.assertTrue(there.servers[A].locked)

    def test_a_task_that_begins_before_the_lock(self):
        there = self.make(world.Server(A))
        self.once(there, "/action", "POST", lambda server: setattr(server, "task", "rebooting"))
        self.assertEqual(self.run_job(there)[0], {A: "skipped"})
        self.assertEqual(there.servers[A].updates, 0)
        self.require_untouched(there)

    def test_a_server_that_is_deleted(self):
        for path, method in (("/action", "POST"), ("/metadata", "POST")):
            there = self.make(world.Server(A), world.Server(B))
            self.once(there, path, method, lambda server, there=there: there.servers.pop(A))
            results, job, _notes = self.run_job(there)
            self.assertEqual(results[B], "updated")
            self.assertTrue(job.ended)
            self.require_untouched(there)

    def test_a_server_that_is_migrated_is_unlocked_where_it_is(self):
        there = self.make(world.Server(A))
        self.once(there, "/metadata", "POST", lambda server: setattr(server, "host", "compute2"))
        self.assertEqual(self.run_job(there)[0], {A: "updated"})
        self.require_untouched(there)


class Trouble(Case):
    """Nova and Keystone in a bad way."""

    def failing(self, there, times, matches, answer=503, when="before"):
        """The first requests that match are answered like that."""
        left = [times]

        def hook(method, path, body):
            if left[0] and matches(method, path, body):
                left[0] -= 1
                return answer
            return None
        getattr(there, when).append(hook)

    def test_an_api_that_is_down_for_a_while(self):
        there = self.make(world.Server(A))
        self.failing(there, 5, lambda *_: True)
        self.assertEqual(self.run_job(there)[0], {A: "updated"})
        self.require_untouched(there)

    def test_an_api_that_stays_down_is_given_up_before_anything_is_done(self):
        there = self.make(world.Server(A))
        self.failing(there, 10**6, lambda *_: True)
        results, job, _notes = self.run_job(there, deadline=0.3)
        self.assertEqual((results, job.status), ({}, "failed"))
        self.assertIn("503", job.message)

    def test_undoing_goes_on_after_the_deadline(self):
        there = self.make(world.Server(A))
        self.failing(there, 30, lambda method, path, body: there.servers[A].updates)
        self.assertEqual(self.run_job(there, deadline=0.2)[0], {A: "updated"})
        self.require_untouched(there)

    def test_a_cell_that_does_not_answer(self):
        there = self.make(world.Server(A))
        asked = set()

        def down(_method, path, _body):
            """For the next two questions, at the first of each kind before and after the update."""
            kind = (path.partition("?")[0], there.servers[A].updates)
            if kind not in asked:
                asked.add(kind)
                there.cell_down = 2
        there.before.append(down)
        self.assertEqual(self.run_job(there)[0], {A: "updated"})
        self.assertLessEqual({("/os-services", 0), ("/os-services", 1), (f"/servers/{A}", 1)}, asked)
        self.assertEqual(there.servers[A].updates, 1)
        self.require_untouched(there)

    def test_a_libvirt_that_is_away_as_an_update_is_begun(self):
        there = self.make(world.Server(A))
        begin = world.Vmms.begin

        def begin_unheard(vmms, server_id):
            begin(vmms, server_id)
            raise errors.Unavailable("libvirt is away")
        with mock.patch.object(world.Vmms, "begin", begin_unheard):
            results, job, _notes = self.run_job(there)
        self.assertEqual((results, job.instances[0].message), ({A: "updated"}, None))

    def test_a_token_that_has_expired(self):
        there = self.make(world.Server(A))
        for path in ("/metadata", "/action"):
            def expire(method, asked, body, path=path, done=[]):  # pylint: disable=dangerous-default-value
                if asked.endswith(path) and path not in done:
                    done.append(path)
                    there.valid_token += 1
                    return 401
                return None
            there.before.append(expire)
        self.assertEqual(self.run_job(there)[0], {A: "updated"})
        self.assertGreater(there.valid_token, 2)
        self.require_untouched(there)

    def test_a_lock_that_is_denied(self):
        there = self.make(world.Server(A))
        self.failing(there, 1, lambda method, path, body: path.endswith("/action"), 403)
        results, job, _notes = self.run_job(there)
        self.assertEqual(results, {A: "failed"})
        self.assertIn("403", job.instances[0].message)
        self.require_untouched(there)

    def test_a_result_that_cannot_be_kept(self):
        there = self.make(world.Server(A))
        self.failing(there, 10**6, lambda method, path, body: path.endswith("/metadata"), 403)
        self.assertEqual(self.run_job(there)[0], {A: "updated"})
        self.require_untouched(there)

    def test_answers_that_are_lost(self):
        for path in ("/action", "/os-services/" + world.SERVICE, "/metadata"):
            there = self.make(world.Server(A))
            self.failing(there, 3, lambda method, asked, body, path=path: asked.endswith(path), "drop", "after")
            self.assertEqual(self.run_job(there)[0], {A: "updated"})
            self.assertEqual(there.servers[A].updates, 1)
            self.require_untouched(there)

    def test_a_connection_that_has_ended_unseen_is_not_a_lost_answer(self):
        there = self.make(world.Server(A))
        self.failing(there, 1, lambda method, path, body: path.endswith("/action"), "drop")
        begin = time.monotonic()
        self.assertEqual(self.run_job(there, grace=20.0)[0], {A: "updated"})
        self.assertLess(time.monotonic() - begin, 15)
        self.require_untouched(there)

    def test_a_lock_that_takes_effect_long_after_it_was_given_up(self):
        there = self.make(world.Server(A))
        kept = []

        def hold(_method, path, body):
            if path.endswith("/action") and "lock" in body:
                kept.append(body["lock"]["locked_reason"])
                return 504
            if kept and path.endswith(A) and not there.servers[A].actions and len(there.requests) > 9:
                there.servers[A].lock(kept[0], world.US)
            return None
        there.before.append(hold)
        results, _job, _notes = self.run_job(there, deadline=0.1, grace=2.0)
        self.assertEqual(results, {A: "failed"})
        self.assertEqual([action for action, _user in there.servers[A].actions], ["unlock", "lock"])
        self.require_untouched(there)


class Workers(Case):
    def test_an_agent_that_is_stopped_ends_what_is_under_way(self):
        there = self.make(world.Server(A), world.Server(B))
        book = journal.Journal(self.folder)
        self.addCleanup(book.close)
        made = engine.Engine(there.url, book)
        there.before.append(lambda method, path, body: made.stop.set() if path.endswith("/metadata") else None)
        sweep, queued = jobs.Job("update", world.HOST), jobs.Job("update", world.HOST, server_id=B)
        made.worker.submit(sweep)
        made.worker.submit(queued)
        made.worker.start()
        self.assertTrue(made.worker.join(20))
        self.assertFalse(made.worker.failed)
        self.assertEqual((sweep.status, queued.status), ("interrupted", "interrupted"))
        self.assertEqual([instance.result for instance in sweep.instances], ["updated", "not-begun"])
        self.assertEqual([server.updates for server in there.servers.values()], [1, 0])
        self.require_untouched(there)

    def test_a_job_that_cannot_begin_leaves_nothing_open(self):
        there = self.make(world.Server(A))
        there.before.append(lambda method, path, body: 403 if method == "PUT" else None)
        results, job, _notes = self.run_job(there)
        self.assertEqual((results, job.status), ({A: "not-begun"}, "failed"))
        self.assertEqual(job.instances[0].step, jobs.DONE)

    def test_a_journal_that_cannot_be_written_stops_the_agent_before_anything_is_done(self):
        there = self.make(world.Server(A))
        book = journal.Journal(self.folder)
        self.addCleanup(book.close)
        made = engine.Engine(there.url, book)
        job = jobs.Job("update", world.HOST)
        made.worker.submit(job)
        book._replace = lambda path, text: (_ for _ in ()).throw(OSError(28, "no space"))
        made.worker.start()
        self.assertTrue(made.worker.join(10))
        self.assertTrue(made.stop.is_set() and made.worker.failed)
        self.assertEqual([request for request in there.requests if request[0] != "GET"], [])


if __name__ == "__main__":
    # What goes wrong here is meant to.
    logging.disable()
    unittest.main()
