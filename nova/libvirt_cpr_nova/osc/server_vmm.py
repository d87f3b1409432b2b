# SPDX-License-Identifier: LGPL-2.1-or-later
"""openstack server vmm update."""
from libvirt_cpr_nova import errors
from libvirt_cpr_nova.osc import vmm_job

_HOST = "OS-EXT-SRV-ATTR:host"


class UpdateServerVmm(vmm_job.JobCommand):
    """Update the VMM of a server in place"""

    def get_parser(self, prog_name):
        parser = super().get_parser(prog_name)
        parser.add_argument("server", metavar="<server>", help="Server (name or ID)")
        parser.add_argument("--check", action="store_true", help="Only check whether it could be updated now")
        parser.add_argument("--force", action="store_true", help="Also if it runs the configured VMM already")
        self.add_wait(parser)
        return parser

    def take_action(self, parsed_args):
        cloud = self.app.client_manager.compute_vmm
        with vmm_job.spoken():
            server = cloud.server(parsed_args.server)
            if not server.get(_HOST):
                raise errors.NotFound(f"the server {server['id']} is on no host, or its host may not be seen: "
                                      "this command is an administrator's")
            agent = cloud.agent(cloud.host(server[_HOST]))
            job = agent.start(action="check" if parsed_args.check else "update", server_id=server["id"],
                              force=parsed_args.force)
            return self.follow(agent, job, parsed_args.wait)
