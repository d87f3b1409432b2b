#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent is killed before and after each writing of its journal, which is between any two things that it
does. What its next start leaves is what was before, and no instance was touched twice."""
import itertools
import json
import logging
import pathlib
import tempfile
import unittest

import support  # noqa: F401  pylint: disable=unused-import
import engine
import world
from libvirt_cpr_nova import errors, jobs, journal

A, B = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "ab")
LEAST_WRITINGS = 18


class Killed(unittest.TestCase):
    def make(self, foreign):
        """A world with two servers. With `foreign` somebody else has locked one, and disabled the service."""
        made = world.World([world.Server(A), world.Server(B, "rolled-back")])
        self.addCleanup(made.close)
        if foreign:
            made.servers[B].lock("mine", world.OTHERS)
            made.service.update(status="disabled", disabled_reason="broken fan")
        return made

    def kept(self, there):
        """What has to be as it was."""
        return ([(server.locked, server.reason) for server in there.servers.values()], dict(there.service))

    def require_all_is_well(self, there, before, folder):
        """After a start of the agent."""
        self.assertEqual(self.kept(there), before)
        for job in journal_of(folder):
            self.assertTrue(job.ended)
            for instance in job.instances:
                server = there.servers[instance.server_id]
                self.assertEqual(instance.step, jobs.DONE)
                self.assertLessEqual(server.updates, 1)
                if server.updates:
                    self.assertEqual(instance.result, server.plan)
                    self.assertEqual(server.metadata["libvirt_cpr_result"], server.plan)
                else:
                    self.assertIn(instance.result, ("not-begun", "failed", "skipped"))

    def kill_everywhere(self, foreign, after):
        """One agent for each place."""
        for number in itertools.count(1):
            there = self.make(foreign)
            before = self.kept(there)
            with tempfile.TemporaryDirectory() as folder:
                job = jobs.Job("update", world.HOST)
                if not engine.run_until_killed(there.url, folder, job, number, after):
                    self.require_all_is_well(there, before, folder)
                    return number - 1
                with self.subTest(number=number, after=after, foreign=foreign):
                    engine.recover(there.url, folder)
                    self.require_all_is_well(there, before, folder)
                    there.requests.clear()
                    engine.recover(there.url, folder)
                    self.assertEqual(there.requests, [])
                    self.update_the_rest(there, before, folder)

    def update_the_rest(self, there, before, folder):
        """The same once more gets to what was not begun, and to nothing else."""
        updates = there.servers[A].updates
        engine.run(there.url, folder, jobs.Job("update", world.HOST, server_id=A))
        self.assertEqual(there.servers[A].updates, 1, updates)
        self.assertEqual(self.kept(there), before)

    def test_before_a_writing(self):
        self.assertGreaterEqual(self.kill_everywhere(False, False), LEAST_WRITINGS)

    def test_after_a_writing(self):
        self.assertGreaterEqual(self.kill_everywhere(False, True), LEAST_WRITINGS)

    def test_what_others_have_locked_and_disabled(self):
        self.kill_everywhere(True, False)
        self.kill_everywhere(True, True)

    def test_a_start_that_is_killed_as_well(self):
        """At the worst place of a job, everywhere in its recovery."""
        for number in itertools.count(1):
            there = self.make(False)
            before = self.kept(there)
            with tempfile.TemporaryDirectory() as folder:
                self.assertTrue(engine.run_until_killed(there.url, folder, jobs.Job("update", world.HOST), 8, False))
                killed = engine.recover_until_killed(there.url, folder, number, number % 2)
                if killed:
                    engine.recover(there.url, folder)
                self.require_all_is_well(there, before, folder)
                if not killed:
                    self.assertGreater(number, 3)
                    return

    def test_a_start_while_the_api_is_down(self):
        there = self.make(False)
        before = self.kept(there)
        left = [40]

        def down(*_request):
            left[0] -= 1
            return 503 if left[0] > 0 else None
        with tempfile.TemporaryDirectory() as folder:
            self.assertTrue(engine.run_until_killed(there.url, folder, jobs.Job("update", world.HOST), 7, False))
            self.assertNotEqual(self.kept(there), before)
            there.before.append(down)
            engine.recover(there.url, folder, deadline=0.1)
            self.require_all_is_well_but_the_record(there, before, folder)

    def require_all_is_well_but_the_record(self, there, before, folder):
        """The record at the server is given up after the deadline."""
        for server in there.servers.values():
            server.metadata.setdefault("libvirt_cpr_result", server.plan)
        self.require_all_is_well(there, before, folder)


class Journals(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_one_agent_has_it(self):
        first = journal.Journal(self.folder)
        with self.assertRaisesRegex(errors.AgentError, "another agent has"):
            journal.Journal(self.folder)
        first.close()
        journal.Journal(self.folder).close()

    def test_jobs_come_back_as_they_were(self):
        job = jobs.Job("update", "h", parallel=3, instances=[jobs.Instance(A, before=[1, 2, 3])],
                       service=jobs.ServiceHold("s", "r", unanswered=5.0))
        book = journal.Journal(self.folder)
        book.write(job)
        book.close()
        self.assertEqual(journal_of(self.folder), [job])

    def test_a_file_that_cannot_be_read_stops_the_agent(self):
        for text in ("", "{", "[]", '{"id": 1}', json.dumps({"instances": [], "service": None, "what": 1})):
            (self.folder / f"{A}.json").write_text(text)
            with self.assertRaisesRegex(errors.AgentError, f"{A}.json.*move it away"):
                journal_of(self.folder)

    def test_a_writing_that_was_cut_off_leaves_the_one_before(self):
        book = journal.Journal(self.folder)
        job = jobs.Job("update", "h")
        book.write(job)
        book.close()
        (self.folder / f"{job.id}.new").write_text('{"id"')
        self.assertEqual(journal_of(self.folder), [job])

    def test_old_jobs_are_forgotten_but_not_open_ones(self):
        book = journal.Journal(self.folder, keep=3)
        made = [jobs.Job("update", "h", created_at=f"2026-01-0{day}T00:00:00Z") for day in range(1, 7)]
        for number, job in enumerate(made):
            book.write(job)
            if number != 1:
                job.end(jobs.COMPLETED)
                book.write(job)
        book.close()
        self.assertEqual([job.id for job in journal_of(self.folder)], [made[1].id, made[4].id, made[5].id])


def journal_of(folder):
    """The jobs in a folder."""
    book = journal.Journal(folder)
    book.close()
    return book.all()


if __name__ == "__main__":
    # What goes wrong here is meant to.
    logging.disable()
    unittest.main()
