# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is asked of the agent, and how far it has come: all that has to outlive it.

A step is written to the journal before what it names is done, so that the next start of the agent
knows all that may have happened.
"""
import dataclasses
import datetime
import uuid as uuids

# Steps of an instance. Up to LOCKING nothing was done that has to be undone.
PENDING, LOCKING, LOCKED, UPDATING, UPDATED, RECORDED, DONE = (
    "pending", "locking", "locked", "updating", "updated", "recorded", "done")

# Steps of the compute service's disabling.
DISABLING, DISABLED, RELEASED = "disabling", "disabled", "released"

# What came of an instance.
WELL = ("updated", "current", "possible")
LEFT_ALONE = ("skipped", "not-begun")
BADLY = ("refused", "rolled-back", "failed", "unknown")

# What came of a job.
QUEUED, RUNNING, COMPLETED, FAILED, INTERRUPTED = (
    "queued", "running", "completed", "failed", "interrupted")


def now():
    """This moment, as it is told to people and programs."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclasses.dataclass
class Instance:
    """One instance's part of a job."""

    server_id: str
    name: str = ""
    project_id: str = ""
    step: str = PENDING
    result: str | None = None
    code: str | None = None        # libvirt-cpr's code of what went wrong
    message: str | None = None
    blockers: list = dataclasses.field(default_factory=list)
    old_version: str | None = None
    new_version: str | None = None
    pause_ms: float | None = None
    # For recovery.
    unanswered: float | None = None  # see unanswered.py
    before: list | None = None       # the domain's Position before the update
    vmm_job: int | None = None       # the update's number at the domain's controller


@dataclasses.dataclass
class ServiceHold:
    """The compute service that a job has disabled."""

    service_id: str
    reason: str
    step: str = DISABLING
    unanswered: float | None = None  # see unanswered.py


@dataclasses.dataclass
class Job:
    """One request."""

    action: str                      # "update" or "check"
    host: str
    server_id: str | None = None     # None: all instances of the host
    parallel: int = 1
    max_failures: int | None = None
    force: bool = False              # also what runs the configured VMM already
    requested_by: str | None = None
    request_id: str | None = None
    id: str = dataclasses.field(default_factory=lambda: str(uuids.uuid4()))
    status: str = QUEUED
    message: str | None = None
    created_at: str = dataclasses.field(default_factory=now)
    finished_at: str | None = None
    service: ServiceHold | None = None
    instances: list = dataclasses.field(default_factory=list)

    @property
    def reason(self):
        """What is told to whoever finds a server locked or a service disabled. It names the job,
        by which the agent knows its own again."""
        return f"VMM update in place by libvirt-cpr (job {self.id})"

    @property
    def failures(self):
        """How many instances it went badly for."""
        return sum(instance.result in BADLY for instance in self.instances)

    @property
    def ended(self):
        """Whether nothing of it is left to do or to undo."""
        return self.status in (COMPLETED, FAILED, INTERRUPTED)

    def end(self, status, message=None):
        """Say what has become of it."""
        self.status, self.message = status, message or self.message
        self.finished_at = now()


def to_document(job):
    """A job for the journal."""
    return dataclasses.asdict(job)


def from_document(document):
    """The job of a journal's document."""
    fields = dict(document)
    fields["instances"] = [Instance(**instance) for instance in fields["instances"]]
    if fields["service"]:
        fields["service"] = ServiceHold(**fields["service"])
    return Job(**fields)


_INTERNAL = ("unanswered", "before", "vmm_job", "project_id")


def to_view(job):
    """A job as clients see it."""
    view = dataclasses.asdict(job)
    del view["service"]
    for instance in view["instances"]:
        for name in _INTERNAL:
            del instance[name]
    return view
