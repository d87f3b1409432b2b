# SPDX-License-Identifier: LGPL-2.1-or-later
"""instance.vmm_update.start, .end and .error, in the manner of Nova's own notifications.

They are sent from a thread of their own: a message bus that is down must not hold an update up.
"""
import concurrent.futures
import logging

import oslo_messaging

LOG = logging.getLogger(__name__)

BINARY = "libvirt-cpr-nova-agent"
_RETRIES = 3


class Notifier:
    """Sends what oslo.messaging is configured to send; without a driver nothing."""

    def __init__(self, conf, host):
        transport = oslo_messaging.get_notification_transport(conf)
        self._notifier = oslo_messaging.Notifier(transport, publisher_id=f"{BINARY}:{host}", retry=_RETRIES)
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "notify")

    def start(self, job, instance):
        """An update is about to begin."""
        self._send(self._notifier.info, "start", job, instance)

    def end(self, job, instance):
        """An update has ended, well or badly."""
        if instance.result == "updated":
            self._send(self._notifier.info, "end", job, instance)
        else:
            self._send(self._notifier.error, "error", job, instance)

    def close(self):
        """Send what is left."""
        self._thread.shutdown()

    def _send(self, send, phase, job, instance):
        self._thread.submit(_sent, send, f"instance.vmm_update.{phase}", payload(job, instance))


def _sent(send, event, body):
    try:
        send({}, event, body)
    except Exception:  # pylint: disable=broad-except
        LOG.exception("The notification %s was not sent", event)


def payload(job, instance):
    """What a notification tells."""
    told = {"instance_uuid": instance.server_id, "display_name": instance.name, "tenant_id": instance.project_id,
            "host": job.host, "job_id": job.id, "request_id": job.request_id, "old_version": instance.old_version}
    if instance.result:
        told.update(result=instance.result, code=instance.code, message=instance.message,
                    blockers=instance.blockers, new_version=instance.new_version, pause_ms=instance.pause_ms)
    return told
