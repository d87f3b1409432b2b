# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent's engine over a World, in this process or in one that is killed."""
import multiprocessing
import os
import signal
import threading

import world
from keystoneauth1 import adapter, session
from keystoneauth1.identity import v3
from libvirt_cpr_nova import journal, nova_client, results, retry, sweep, updater, worker


class Notes:
    """In the place of the Notifier."""

    def __init__(self):
        self.sent = []

    def start(self, _job, instance):
        """As of the Notifier."""
        self.sent.append(("start", instance.server_id))

    def end(self, _job, instance):
        """As of the Notifier."""
        self.sent.append((instance.result, instance.server_id))


class Deadly(journal.Journal):
    """A journal with which the process is killed before or after its n-th writing."""

    def __init__(self, folder, number, after):
        self._left, self._after = number, after
        super().__init__(folder)

    def write(self, job):
        with self._mutex:
            self._left -= 1
            last = self._left == 0
        if last and not self._after:
            os.kill(os.getpid(), signal.SIGKILL)
        super().write(job)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)


class Engine:
    """All of the agent's parts that act."""

    def __init__(self, url, book, deadline=2.0, grace=0.3, host=world.HOST, record="metadata"):
        self.stop = threading.Event()
        self.journal, self.notes = book, Notes()
        auth = v3.Password(f"{url}/v3", username="u", password="p", project_name="service",
                           user_domain_name="Default", project_domain_name="Default")
        nova = nova_client.NovaClient(adapter.Adapter(session.Session(auth, timeout=1), service_type="compute"))
        common = {"nova": nova, "vmms": world.Vmms(url), "journal": book, "host": host, "grace": grace,
                  "retry": retry.Retry(self.stop, deadline, longest=0.1, first=0.02)}
        one = updater.Updater(notifier=self.notes, record=results.WAYS[record], **common)
        self.sweep = sweep.Sweep(one, **common)
        self.worker = worker.Worker(self.sweep, book, self.stop)


def run(url, folder, job, **options):
    """Do a job to its end, and return it."""
    book = journal.Journal(folder)
    try:
        engine = Engine(url, book, **options)
        engine.sweep.run(job)
        return job, engine.notes.sent
    finally:
        book.close()


def recover(url, folder, **options):
    """What an agent does that is started: all jobs, ended."""
    book = journal.Journal(folder)
    try:
        engine = Engine(url, book, **options)
        for job in book.all():
            if not job.ended:
                engine.sweep.resume(job)
        return book.all()
    finally:
        book.close()


def run_until_killed(url, folder, job, number, after):
    """Do a job in a process that is killed around its n-th writing. Whether it came to that."""
    return _killed(lambda: Engine(url, Deadly(folder, number, after)).sweep.run(job))


def recover_until_killed(url, folder, number, after):
    """The same with recover()."""
    def child():
        book = Deadly(folder, number, after)
        engine = Engine(url, book)
        for job in book.all():
            if not job.ended:
                engine.sweep.resume(job)
    return _killed(child)


def _killed(act):
    def child():
        act()
        os._exit(0)
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        raise AssertionError(f"the agent ended with {process.exitcode}")
    return process.exitcode != 0
