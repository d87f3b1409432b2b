# SPDX-License-Identifier: LGPL-2.1-or-later
"""The thread that does the jobs, one after the other; first it ends what an earlier agent has left."""
import logging
import queue
import threading

from libvirt_cpr_nova import errors, jobs

LOG = logging.getLogger(__name__)


class Worker:
    """Takes requests, and does them in their order."""

    def __init__(self, sweep, journal, stop):
        self._sweep, self._journal, self._stop = sweep, journal, stop
        self._queue = queue.SimpleQueue()
        self.failed = False
        self._left = [job for job in journal.all() if not job.ended]
        self._thread = threading.Thread(target=self._run, name="jobs")

    def start(self):
        """Begin."""
        self._thread.start()

    def join(self, timeout=None):
        """Wait for the end of what is under way, after `stop` was set. Whether it has ended."""
        self._queue.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def submit(self, job):
        """Have a job done, whatever happens to the client that has asked for it."""
        self._journal.write(job)
        self._queue.put(job)

    def _run(self):
        try:
            for job in self._left:
                LOG.warning("Job %s was not ended: undoing what is left of it", job.id)
                self._sweep.resume(job)
            while not self._stop.is_set():
                job = self._queue.get()
                if job is not None and not self._stop.is_set():
                    self._sweep.run(job)
            for job in self._journal.all():
                if job.status == jobs.QUEUED:
                    self._sweep.resume(job)
        except errors.Stopping:
            pass
        except Exception:  # pylint: disable=broad-except
            LOG.exception("The agent cannot go on; what is open is undone by its next start")
            self.failed = True
            self._stop.set()
        left = [job.id for job in self._journal.all() if not job.ended]
        if left:
            LOG.warning("Left to the next start: %s", " ".join(left))


def new_job(host, request, requested_by=None, request_id=None):
    """The Job of a request's JSON; AgentError if it is not understood."""
    if not isinstance(request, dict):
        raise errors.AgentError("the job has to be an object")
    unknown = set(request) - {"action", "server_id", "parallel", "max_failures", "force"}
    if unknown:
        raise errors.AgentError(f"not known: {', '.join(sorted(unknown))}")
    action, parallel = request.get("action"), request.get("parallel", 1)
    if action not in ("update", "check"):
        raise errors.AgentError("action has to be update or check")
    server_id, max_failures, force = request.get("server_id"), request.get("max_failures"), request.get("force", False)
    if not (server_id is None or isinstance(server_id, str)):
        raise errors.AgentError("server_id has to be the id of a server")
    if not _is_number(parallel) or not 1 <= parallel <= 64:
        raise errors.AgentError("parallel has to be a number from 1 to 64")
    if max_failures is not None and not (_is_number(max_failures) and max_failures >= 1):
        raise errors.AgentError("max_failures has to be a number from 1 on")
    if not isinstance(force, bool):
        raise errors.AgentError("force has to be true or false")
    return jobs.Job(action, host, server_id, parallel, max_failures, force, requested_by, request_id)


def _is_number(value):
    return isinstance(value, int) and not isinstance(value, bool)
