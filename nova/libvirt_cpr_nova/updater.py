# SPDX-License-Identifier: LGPL-2.1-or-later
"""The update of one instance: looked at, locked, updated, told of, unlocked.

run() goes forward, and settle() ends whatever was begun, from any step: after an update, after
one that failed, and at the agent's start after one that it did not survive.
"""
import logging

from libvirt_cpr_nova import domains, errors, jobs, unanswered

LOG = logging.getLogger(__name__)


class Updater:
    """Updates of this host's instances.

    nova      NovaClient
    vmms      Domains
    journal   Journal
    retry     Retry
    notifier  Notifier
    record    what keeps results at the server: a function of NovaClient and jobs.Instance
    host      the host's name in Nova
    grace     seconds for which a request that got no answer may still take effect
    """

    def __init__(self, nova, vmms, journal, retry, notifier, record, host, grace):
        self._nova, self._vmms, self._journal, self._retry = nova, vmms, journal, retry
        self._notifier, self._record = notifier, record
        self._host, self._grace = host, grace

    def run(self, job, instance):
        """Update, or check, one instance. What comes of it is in `instance`."""
        try:
            self._forward(job, instance)
        except errors.Stopping:
            pass
        except errors.Skipped as error:
            instance.result, instance.message = "skipped", str(error)
        except errors.AgentError as error:
            instance.result, instance.message = "failed", str(error)
        except Exception as error:  # pylint: disable=broad-except
            LOG.exception("Server %s", instance.server_id)
            instance.result, instance.message = "failed", f"the agent has an error, see its log: {error!r}"
        self.settle(job, instance)

    def settle(self, job, instance):
        """End what was begun with an instance, and leave nothing of it: tried until it is done."""
        if instance.step == jobs.UPDATING:
            outcome = self._retry.until_done(lambda: self._outcome(instance),
                                             f"find out what came of the update of {instance.server_id}")
            self._finish(job, instance, outcome)
        if instance.step == jobs.UPDATED:
            self._keep_result(job, instance)
        if instance.step in (jobs.LOCKING, jobs.LOCKED, jobs.RECORDED):
            self._retry.until_done(lambda: self._unlock(job, instance), f"unlock the server {instance.server_id}")
        instance.result = instance.result or "not-begun"
        self._step(job, instance, jobs.DONE)
        LOG.info("Server %s (%s): %s%s", instance.server_id, instance.name, instance.result,
                 f": {instance.message}" if instance.message else "")

    # -- forward -----------------------------------------------------------------------------------

    def _forward(self, job, instance):
        vmm = self._retry.within_deadline(lambda: self._admit(instance))
        if job.action == "check":
            _take(instance, self._vmms.check(instance.server_id))
            return
        if vmm.state == domains.CURRENT and not job.force:
            instance.result = "current"
            return
        self._lock(job, instance)
        self._retry.within_deadline(lambda: self._require_locked(job, instance))
        self._update(job, instance)

    def _admit(self, instance):
        """The instance's Vmm, if nothing stands against touching it."""
        try:
            server = self._nova.server(instance.server_id)
        except errors.NotFound as error:
            raise errors.Skipped("Nova has no such server") from error
        instance.name, instance.project_id = server["name"], server["tenant_id"]
        if server["locked"]:
            reason = server.get("locked_reason")
            raise errors.Skipped("the server is locked" + (f": {reason}" if reason else ""))
        self._require_ready(server)
        try:
            vmm = self._vmms.vmm(instance.server_id)
        except errors.NotFound as error:
            raise errors.Skipped(f"the server does not run on this host: {error}") from error
        instance.old_version = vmm.version
        if vmm.generation is None and vmm.state == domains.UNKNOWN:
            raise errors.Unavailable(f"the VMM does not answer: {vmm.message}")
        if vmm.state == domains.NOT_UPDATABLE:
            raise errors.Skipped(f"{vmm.message}; {vmm.remedy}")
        return vmm

    def _require_ready(self, server):
        """That the server is here, ACTIVE and at rest."""
        if "OS-EXT-SRV-ATTR:host" not in server:
            raise errors.Denied("Nova does not tell the agent's user where the server is: it needs the role admin")
        host = server["OS-EXT-SRV-ATTR:host"]
        if host != self._host:
            raise errors.Skipped(f"the server is on the host {host}, not on {self._host}")
        if server["status"] != "ACTIVE":
            raise errors.Skipped(f"the server is {server['status']}, not ACTIVE")
        task = server["OS-EXT-STS:task_state"]
        if task:
            raise errors.Skipped(f"the server is busy ({task})")

    def _lock(self, job, instance):
        def lock():
            with unanswered.remembered(instance, lambda: self._step(job, instance, jobs.LOCKING)):
                self._nova.lock(instance.server_id, job.reason)
        self._retry.within_deadline(lock)
        self._step(job, instance, jobs.LOCKED)

    def _require_locked(self, job, instance):
        """That nothing has begun, and nobody has locked it, between the look and the lock."""
        try:
            server = self._nova.server(instance.server_id)
        except errors.NotFound as error:
            raise errors.Skipped("the server was deleted meanwhile") from error
        if not self._is_ours(job, server):
            raise errors.Skipped("somebody else has locked or unlocked the server meanwhile")
        self._require_ready(server)

    def _update(self, job, instance):
        """Have libvirt-cpr do it, and follow it to its end."""
        instance.before = list(self._vmms.position(instance.server_id))
        self._notifier.start(job, instance)
        self._step(job, instance, jobs.UPDATING)
        try:
            instance.vmm_job = self._vmms.begin(instance.server_id)
        except domains.Refusal as refusal:
            self._finish(job, instance, refusal.outcome)
            return
        self._journal.write(job)

    # -- the end -----------------------------------------------------------------------------------

    def _outcome(self, instance):
        return self._vmms.outcome(instance.server_id, domains.Position(*instance.before), instance.vmm_job)

    def _finish(self, job, instance, outcome):
        _take(instance, outcome)
        self._step(job, instance, jobs.UPDATED)

    def _keep_result(self, job, instance):
        """Tell of what came of it. That it cannot be told is no reason to leave the server locked."""
        try:
            self._retry.within_deadline(lambda: self._record(self._nova, instance))
        except errors.Stopping:
            raise
        except Exception as error:  # pylint: disable=broad-except
            LOG.warning("The result is not kept at the server %s: %s", instance.server_id, error)
        self._notifier.end(job, instance)
        self._step(job, instance, jobs.RECORDED)

    def _unlock(self, job, instance):
        """Take our own lock away, and nobody else's."""
        while True:
            try:
                server = self._nova.server(instance.server_id)
                if self._is_ours(job, server):
                    self._nova.unlock(instance.server_id)
                elif server["locked"]:
                    LOG.warning("The server %s stays locked: the lock is somebody else's", instance.server_id)
                    return
                elif not unanswered.may_come(instance, self._grace):
                    return
                else:
                    self._retry.sleep(self._grace / 20)
            except errors.NotFound:
                return  # deleted meanwhile, and its lock with it

    def _is_ours(self, job, server):
        """Whether a lock is this job's and no other's. One without a reason keeps the reason of the
        lock before it, and one that came just before ours lies below it: the server's history tells."""
        if not server["locked"] or server.get("locked_reason") != job.reason:
            return False
        ours = ("lock", self._nova.user_id())
        locks = self._nova.locks(server["id"])
        below = next((lock for lock in locks if lock != ours), ("unlock", None))
        return locks[:1] == [ours] and below[0] == "unlock"

    def _step(self, job, instance, step):
        instance.step = step
        self._journal.write(job)


def _take(instance, outcome):
    """Versions that an outcome does not have stay what they are."""
    instance.result, instance.code, instance.message = outcome.result, outcome.code, outcome.message
    instance.blockers, instance.pause_ms = outcome.blockers, outcome.pause_ms
    instance.old_version = outcome.old_version or instance.old_version
    instance.new_version = outcome.new_version
