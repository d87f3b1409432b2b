# SPDX-License-Identifier: LGPL-2.1-or-later
"""openstack compute vmm update, compute vmm list."""
import argparse
import concurrent.futures

from osc_lib.command import command

from libvirt_cpr_nova import errors
from libvirt_cpr_nova.osc import tables, vmm_job

_AGENTS_AT_A_TIME = 16


def number_from(least):
    """A whole number of the command line's."""
    def number(text):
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"has to be {least} or more, not {value}")
        return value
    return number


class UpdateComputeVmm(vmm_job.JobCommand):
    """Update the VMM of all instances of a compute host in place.

    The compute service is disabled meanwhile, unless somebody has disabled it before.
    """

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="<host>", help="Name of the compute host")
        parser.add_argument("--check", action="store_true", help="Only check which instances could be updated now")
        parser.add_argument("--parallel", metavar="<number>", type=number_from(1), default=1,
                            help="Work on that many instances at a time (default: 1)")
        parser.add_argument("--max-failures", metavar="<number>", type=number_from(1),
                            help="Begin no other instance after that many have failed (default: try all)")
        parser.add_argument("--force", action="store_true",
                            help="Also update instances that run the configured VMM already")
        self.add_wait(parser)
        return parser

    def take_action(self, parsed_args):
        cloud = self.app.client_manager.compute_vmm
        request = {"action": "check" if parsed_args.check else "update", "parallel": parsed_args.parallel,
                   "force": parsed_args.force}
        if parsed_args.max_failures is not None:
            request["max_failures"] = parsed_args.max_failures
        with vmm_job.spoken():
            agent = cloud.agent(cloud.host(parsed_args.host))
            return self.follow(agent, agent.start(**request), parsed_args.wait)


class ListComputeVmm(command.Lister):
    """List the VMMs of running instances, and which of them are outdated or cannot be updated"""

    _unanswered = 0

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument("--host", metavar="<host>", help="Only those of this compute host")
        parser.add_argument("--long", action="store_true", help="List additional fields")
        return parser

    def take_action(self, parsed_args):
        cloud = self.app.client_manager.compute_vmm
        with vmm_job.spoken():
            if parsed_args.host:
                host = cloud.host(parsed_args.host)
                found = [(host, cloud.agent(host).instances())]
            else:
                found = list(self._everywhere(cloud))
        rows = [tables.instance_row(host.name, vmm, parsed_args.long) for host, vmms in found for vmm in vmms]
        return (tables.INSTANCE_COLUMNS_LONG if parsed_args.long else tables.INSTANCE_COLUMNS), rows

    def run(self, parsed_args):
        status = super().run(parsed_args)
        return status or int(self._unanswered > 0)

    def _everywhere(self, cloud):
        """(host, instances) of each host whose agent answers; the others are told of."""
        hosts = cloud.hosts()
        with concurrent.futures.ThreadPoolExecutor(_AGENTS_AT_A_TIME) as pool:
            answers = [pool.submit(cloud.agent(host).instances) for host in hosts]
        for host, answer in zip(hosts, answers):
            try:
                yield host, answer.result()
            except errors.AgentError as error:
                self._unanswered += 1
                self.log.warning("%s", error)
