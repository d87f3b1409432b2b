# SPDX-License-Identifier: LGPL-2.1-or-later
"""What osc-lib asks of a plugin: its name, its version, its client and its global option."""
from osc_lib import utils

from libvirt_cpr_nova.osc import agent_client

API_NAME = "compute_vmm"
API_VERSION_OPTION = "os_compute_vmm_api_version"
DEFAULT_API_VERSION = "1"
API_VERSIONS = {"1": "libvirt_cpr_nova.osc.agent_client.Cloud"}


def make_client(instance):
    """What the commands find as client_manager.compute_vmm."""
    return agent_client.Cloud(instance.session, instance.region_name, instance.interface,
                              instance.get_configuration().get("vmm_agent_url") or None)


def build_option_parser(parser):
    """Where the agents are, for clouds in which they are not at the hypervisors' addresses."""
    parser.add_argument(
        "--os-vmm-agent-url", metavar="<url>", dest="vmm_agent_url", default=utils.env("OS_VMM_AGENT_URL"),
        help="URL of the hosts' libvirt-cpr-nova-agents, in which HOST stands for the compute host's name and "
             "HOST_IP for its address; one without either is a proxy's, and is followed by the host's name "
             f"(default: that of the service type {agent_client.SERVICE_TYPE} in the catalog, or "
             f"{agent_client.DEFAULT_URL}) (Env: OS_VMM_AGENT_URL)")
    parser.add_argument(
        "--os-compute-vmm-api-version", metavar="<version>", default=utils.env("OS_COMPUTE_VMM_API_VERSION"),
        help=f"API version of libvirt-cpr-nova-agent, default={DEFAULT_API_VERSION} (Env: OS_COMPUTE_VMM_API_VERSION)")
    return parser
