# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent's durable memory: one file a job, replaced as a whole.

What write() has returned from survives a crash of the agent and of the host.
"""
import fcntl
import json
import os
import pathlib
import threading

from libvirt_cpr_nova import errors, jobs


class Journal:
    """The jobs of a folder. Only one agent at a time has it: the second gets an AgentError."""

    def __init__(self, folder, keep=100):
        self._folder = pathlib.Path(folder)
        self._keep = keep
        self._mutex = threading.Lock()
        self._jobs = {}
        self._lock = self._take_lock()
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def close(self):
        """Let another agent have it."""
        os.close(self._lock)

    def all(self):
        """Every job, oldest first."""
        with self._mutex:
            return list(self._jobs.values())

    def get(self, job_id):
        """A job, or None."""
        with self._mutex:
            return self._jobs.get(job_id)

    def write(self, job):
        """Keep what the job is now. It may be changed by several threads; each writes its own
        part after it has changed it."""
        with self._mutex:
            self._replace(self._path(job.id), json.dumps(jobs.to_document(job), indent=1))
            if job.id not in self._jobs:
                self._jobs[job.id] = job
                self._forget_old()

    def _take_lock(self):
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise errors.AgentError(
                f"another agent has {self._folder}: there is one agent for a host") from error
        return lock

    def _path(self, job_id):
        return self._folder / f"{job_id}.json"

    def _read(self):
        found = []
        for path in self._folder.glob("*.json"):
            try:
                found.append(jobs.from_document(json.loads(path.read_text(encoding="utf-8"))))
            except (ValueError, TypeError, KeyError, OSError) as error:
                raise errors.AgentError(
                    f"cannot read the journal's file {path} ({error}): look whether servers are locked, or the "
                    f"compute service disabled, for its job, and move it away") from error
        self._jobs = {job.id: job for job in sorted(found, key=lambda job: job.created_at)}

    def _replace(self, path, text):
        new = path.with_suffix(".new")
        with open(new, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, path)
        self._sync_folder()

    def _sync_folder(self):
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _forget_old(self):
        """The oldest of the jobs that have ended, beyond those to keep."""
        ended = [job.id for job in self._jobs.values() if job.ended]
        for job_id in ended[:max(0, len(self._jobs) - self._keep)]:
            del self._jobs[job_id]
            self._path(job_id).unlink(missing_ok=True)
