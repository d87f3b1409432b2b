# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt-cpr-nova-agent: puts the parts together, and runs until it is told to stop."""
import functools
import logging
import os
import signal
import sys
import threading

from cheroot import wsgi
from cheroot.ssl import builtin
from keystoneauth1 import loading
from keystonemiddleware import auth_token
from oslo_config import cfg
from oslo_log import handlers, log

from libvirt_cpr_nova import (access, config, domains, errors, http_api, journal, notifications, nova_client, results,
                              retry, sweep, updater, worker)

LOG = log.getLogger("libvirt_cpr_nova.agent")


def nova_adapter(conf):
    """What speaks to Nova as the service user."""
    auth = loading.load_auth_from_conf_options(conf, config.NOVA)
    if auth is None:
        raise errors.AgentError("the section [nova] of the configuration has no auth_type")
    session = loading.load_session_from_conf_options(conf, config.NOVA, auth=auth)
    return loading.load_adapter_from_conf_options(conf, config.NOVA, session=session, auth=auth)


class Agent:
    """All that runs."""

    def __init__(self, conf):
        self._conf, self._stop = conf, threading.Event()
        self._journal = journal.Journal(conf.state_path, conf.keep_jobs)
        vmms = domains.Domains(conf.libvirt.connection_uri, conf.libvirt.emulators_conf, conf.update.vmm_deadline)
        nova = nova_client.NovaClient(nova_adapter(conf))
        patience = retry.Retry(self._stop, conf.update.api_deadline, conf.update.longest_pause)
        self._notifier = notifications.Notifier(conf, conf.host)
        common = {"nova": nova, "vmms": vmms, "journal": self._journal, "retry": patience, "host": conf.host,
                  "grace": conf.update.unanswered_grace}
        one = updater.Updater(notifier=self._notifier, record=results.WAYS[conf.update.record], **common)
        self._worker = worker.Worker(sweep.Sweep(one, **common), self._journal, self._stop)
        api = http_api.Api(conf.host, vmms, self._journal, self._worker, access.enforcer(conf))
        self._server = self._make_server(auth_token.AuthProtocol(api, {"oslo_config_config": conf}))

    def run(self):
        """Serve until SIGTERM or SIGINT. Whether it has ended as it should."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._server.prepare()
        self._worker.start()
        serving = threading.Thread(target=self._server.serve, name="api")
        serving.start()
        LOG.info("The agent of the host %s listens on port %d", self._conf.host, self._conf.api.bind_port)
        self._stop.wait()
        self._server.stop()
        serving.join()
        ended = self._worker.join(self._conf.stop_timeout)
        if ended:
            self._notifier.close()
            self._journal.close()
        return ended and not self._worker.failed

    def _on_signal(self, _number, _frame):
        self._stop.set()

    def _make_server(self, application):
        options = self._conf.api
        server = wsgi.Server((options.bind_host, options.bind_port), application, numthreads=options.threads,
                             server_name=config.PROGRAM)
        server.max_request_body_size = http_api.LONGEST_BODY
        if options.tls_certificate:
            server.ssl_adapter = builtin.BuiltinSSLAdapter(options.tls_certificate, options.tls_key, options.tls_chain)
        return server


def _log_plainly():
    """oslo.log ends each line on standard output with the code that ends a color, and systemd's journal shows
    such lines as data."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, handlers.ColorHandler):
            handler.format = functools.partial(logging.StreamHandler.format, handler)


def main():
    """The program."""
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    config.register(conf)
    try:
        conf(project=config.PROJECT, prog=config.PROGRAM)
        log.setup(conf, config.PROGRAM)
        _log_plainly()
        ended = Agent(conf).run()
    except (errors.AgentError, cfg.Error, OSError) as error:
        sys.exit(f"{config.PROGRAM}: {error}")
    if not ended:
        # What is under way does not hold the process up: the journal has it.
        os._exit(1)


if __name__ == "__main__":
    main()
