# SPDX-License-Identifier: LGPL-2.1-or-later
"""The options of libvirt-cpr-nova-agent.conf(5)."""
import socket

from keystoneauth1 import loading
from oslo_config import cfg

PROJECT, PROGRAM = "libvirt-cpr", "libvirt-cpr-nova-agent"
NOVA = "nova"

AGENT_OPTIONS = [
    cfg.StrOpt("host", default=socket.gethostname(), sample_default="the host's name",
               help="Name of this host in Nova: the same as host in nova.conf."),
    cfg.StrOpt("state_path", default="/var/lib/libvirt-cpr-nova",
               help="Folder of the journal, by which the agent knows after a crash what it has locked and disabled."),
    cfg.IntOpt("keep_jobs", default=100, min=1, help="How many jobs the journal keeps."),
    cfg.IntOpt("stop_timeout", default=75, min=0,
               help="Seconds for which the agent, when it is stopped, waits for updates that are under way. What is "
                    "not undone by then is by its next start."),
]

LIBVIRT_OPTIONS = [
    cfg.StrOpt("connection_uri", default="qemu:///system", help="libvirt's URI on this host."),
    cfg.StrOpt("emulators_conf", default="/etc/libvirt-cpr/emulators.conf",
               help="Path of emulators.conf(5), for remedies of guests that cannot be updated yet."),
]

UPDATE_OPTIONS = [
    cfg.StrOpt("record", default="metadata", choices=["metadata", "tag", "none"],
               help="Where a server keeps what its last update came to."),
    cfg.FloatOpt("api_deadline", default=120, min=1,
                 help="Seconds for which a request to Nova is tried again before an update is begun. What has to be "
                      "undone is tried without end."),
    cfg.FloatOpt("longest_pause", default=60, min=0.1, help="Seconds between two tries at most."),
    cfg.FloatOpt("unanswered_grace", default=120, min=0,
                 help="Seconds for which a request to Nova that got no answer may still take effect. For so long "
                      "the agent watches whether a lock appears that it has to take away."),
    cfg.FloatOpt("vmm_deadline", default=900, min=1,
                 help="Seconds after which an update that has not ended is followed no longer. libvirt-cpr's own "
                      "deadlines are far shorter."),
]

API_OPTIONS = [
    cfg.HostAddressOpt("bind_host", default="0.0.0.0", help="Address to listen on."),
    cfg.PortOpt("bind_port", default=8790, help="Port to listen on."),
    cfg.IntOpt("threads", default=4, min=1, help="How many requests are answered at a time."),
    cfg.StrOpt("tls_certificate", help="Path of a certificate (PEM). With it the API is served by TLS."),
    cfg.StrOpt("tls_key", help="Path of its key."),
    cfg.StrOpt("tls_chain", help="Path of the certificates between it and the authority's, if there are any."),
]

_SECONDS_OF_A_REQUEST = 60


def register(conf):
    """Make the options known to a ConfigOpts, those of keystoneauth included."""
    conf.register_opts(AGENT_OPTIONS)
    conf.register_opts(LIBVIRT_OPTIONS, group="libvirt")
    conf.register_opts(UPDATE_OPTIONS, group="update")
    conf.register_opts(API_OPTIONS, group="api")
    loading.register_session_conf_options(conf, NOVA)
    loading.register_auth_conf_options(conf, NOVA)
    loading.register_adapter_conf_options(conf, NOVA)
    conf.set_default("service_type", "compute", NOVA)
    # A request without an end would hold everything up.
    conf.set_default("timeout", _SECONDS_OF_A_REQUEST, NOVA)


def list_options():
    """All of them, for oslo-config-generator."""
    nova = (loading.get_session_conf_options() + loading.get_auth_common_conf_options() +
            loading.get_auth_plugin_conf_options("password") + loading.get_adapter_conf_options(False))
    return [(None, AGENT_OPTIONS), ("libvirt", LIBVIRT_OPTIONS), ("update", UPDATE_OPTIONS), ("api", API_OPTIONS),
            (NOVA, nova)]
