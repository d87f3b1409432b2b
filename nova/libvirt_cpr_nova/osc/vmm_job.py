# SPDX-License-Identifier: LGPL-2.1-or-later
"""openstack compute vmm job list, show; and what all commands do that start jobs."""
import contextlib

from osc_lib import exceptions
from osc_lib.command import command

from libvirt_cpr_nova import errors
from libvirt_cpr_nova.osc import tables


@contextlib.contextmanager
def spoken():
    """Errors of ours in the manner of the `openstack` command."""
    try:
        yield
    except errors.AgentError as error:
        raise exceptions.CommandError(f"{str(error)[:1].upper()}{str(error)[1:]}") from error


class JobCommand(command.Lister):
    """A command that shows what came of a job, instance by instance."""

    def add_wait(self, parser):
        """The option --wait."""
        parser.add_argument("--wait", action="store_true", help="Wait for the end of the job, and show what came of it")

    def follow(self, agent, job, wait):
        """The table of a job, at its end if `wait`."""
        if wait:
            job = agent.wait(job, self._tell)
        else:
            self.log.warning("Job %s on host %s is %s (openstack compute vmm job show %s %s)", job["id"],
                             agent.host.name, job["status"], agent.host.name, job["id"])
        return self.result(job)

    def result(self, job):
        """The table; a job that has failed makes the command fail after it is shown."""
        self._failed = job["status"] in ("failed", "interrupted")
        if job["message"]:
            self.log.error("Job %s: %s", job["id"], job["message"])
        return tables.RESULT_COLUMNS, [tables.result_row(instance) for instance in job["instances"]]

    _failed = False

    def run(self, parsed_args):
        status = super().run(parsed_args)
        return status or int(self._failed)

    def _tell(self, job):
        ended = sum(1 for instance in job["instances"] if instance["result"])
        self.log.info("Job %s is %s: %d of %d instances", job["id"], job["status"], ended, len(job["instances"]))


class ListVmmJob(command.Lister):
    """List the jobs that the agent of a compute host remembers"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="<host>", help="Name of the compute host")
        return parser

    def take_action(self, parsed_args):
        cloud = self.app.client_manager.compute_vmm
        with spoken():
            found = cloud.agent(cloud.host(parsed_args.host)).jobs()
            return tables.JOB_COLUMNS, [tables.job_row(job) for job in found]


class ShowVmmJob(JobCommand):
    """Show what came of a job, instance by instance"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="<host>", help="Name of the compute host")
        parser.add_argument("job", metavar="<job>", help="ID of the job")
        self.add_wait(parser)
        return parser

    def take_action(self, parsed_args):
        cloud = self.app.client_manager.compute_vmm
        with spoken():
            agent = cloud.agent(cloud.host(parsed_args.host))
            job = agent.job(parsed_args.job)
            return self.follow(agent, job, parsed_args.wait) if parsed_args.wait else self.result(job)
