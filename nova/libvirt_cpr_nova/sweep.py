# SPDX-License-Identifier: LGPL-2.1-or-later
"""A job: one instance, or all of the host with its compute service disabled meanwhile.

The service is enabled again only if this job has disabled it and nobody has changed that since.
"""
import concurrent.futures
import logging

from libvirt_cpr_nova import errors, jobs, unanswered

LOG = logging.getLogger(__name__)

_STOPPED = "the agent was stopped before the job's end"


class Sweep:
    """Runs jobs, and ends those that an earlier run of the agent has left.

    updater   Updater
    the rest is the Updater's
    """

    def __init__(self, updater, nova, vmms, journal, retry, host, grace):
        self._updater, self._nova, self._vmms = updater, nova, vmms
        self._journal, self._retry = journal, retry
        self._host, self._grace = host, grace

    def run(self, job):
        """Do a job. Stopping is raised if something is left that only resume() can undo."""
        job.status = jobs.RUNNING
        self._journal.write(job)
        status, message = jobs.FAILED, None
        try:
            self._prepare(job)
            self._all_instances(job)
            if not job.failures and not _was_left(job):
                status = jobs.COMPLETED
        except errors.Stopping:
            status, message = jobs.INTERRUPTED, _STOPPED
        except errors.AgentError as error:
            message = str(error)
        except Exception as error:  # pylint: disable=broad-except
            LOG.exception("Job %s", job.id)
            message = f"the agent has an error, see its log: {error!r}"
        self._finish(job, status, message)

    def resume(self, job):
        """End a job that was not ended: nothing new is begun."""
        self._finish(job, jobs.INTERRUPTED, _STOPPED)

    def _finish(self, job, status, message):
        """Leave nothing of a job."""
        for instance in job.instances:
            if instance.step != jobs.DONE:
                self._updater.settle(job, instance)
        self._release(job)
        job.end(status, message)
        self._journal.write(job)
        LOG.info("Job %s: %s%s", job.id, status, f": {message}" if message else "")

    # -- the instances -----------------------------------------------------------------------------

    def _prepare(self, job):
        if job.server_id:
            job.instances = [jobs.Instance(job.server_id)]
            self._journal.write(job)
            return
        self._require_this_host()
        job.instances = [jobs.Instance(vmm.server_id, vmm.name, vmm.project_id)
                         for vmm in self._retry.within_deadline(self._vmms.vmms)]
        self._journal.write(job)
        if job.action == "update":
            self._hold(job)

    def _require_this_host(self):
        """That Nova means this machine by the host's name, and not one with a misconfigured agent."""
        hostname = self._retry.within_deadline(self._vmms.hostname)
        names = [hypervisor["hypervisor_hostname"]
                 for hypervisor in self._retry.within_deadline(self._nova.hypervisors)
                 if hypervisor["service"]["host"] == self._host]
        if hostname not in names:
            raise errors.AgentError(
                f"the host {self._host} of Nova's is {' '.join(names) or 'unknown'}, and this machine is {hostname}: "
                "set host in the agent's configuration as it is in nova.conf")

    def _all_instances(self, job):
        def update(instance):
            self._retry.raise_if_stopping()
            if job.max_failures is not None and job.failures >= job.max_failures:
                instance.message = "enough others have failed"
                self._updater.settle(job, instance)
            else:
                self._updater.run(job, instance)

        with concurrent.futures.ThreadPoolExecutor(job.parallel, "update") as pool:
            for future in [pool.submit(update, instance) for instance in job.instances]:
                future.result()

    # -- the compute service -----------------------------------------------------------------------

    def _hold(self, job):
        """Disable the service, unless somebody has already."""
        service = self._retry.within_deadline(lambda: self._nova.compute_service(self._host))
        if service["status"] != "enabled":
            return
        job.service = jobs.ServiceHold(service["id"], job.reason)
        self._retry.within_deadline(lambda: self._disable(job))
        job.service.step = jobs.DISABLED
        self._journal.write(job)

    def _disable(self, job):
        with unanswered.remembered(job.service, lambda: self._journal.write(job)):
            self._nova.disable_service(job.service.service_id, job.reason)

    def _release(self, job):
        if job.service and job.service.step != jobs.RELEASED:
            self._retry.until_done(lambda: self._enable(job.service), f"enable the compute service of {self._host}")
            job.service.step = jobs.RELEASED
            self._journal.write(job)

    def _enable(self, hold):
        while True:
            try:
                service = self._nova.compute_service(self._host)
            except errors.NotFound:
                return  # deleted meanwhile
            if service["status"] == "disabled":
                if (service["id"], service["disabled_reason"]) != (hold.service_id, hold.reason):
                    return  # somebody else's meanwhile
                self._nova.enable_service(hold.service_id)
            elif not unanswered.may_come(hold, self._grace):
                return
            else:
                self._retry.sleep(self._grace / 20)


def _was_left(job):
    """Whether the one server that was asked for was left as it was."""
    return bool(job.server_id) and job.instances[0].result in jobs.LEFT_ALONE
