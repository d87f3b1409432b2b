# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trying again, with growing pauses: until a deadline, or until it is done."""
import logging
import time

from libvirt_cpr_nova import errors

LOG = logging.getLogger(__name__)


class Retry:
    """How patient the agent is.

    stop      threading.Event that ends every pause
    deadline  seconds for what may be given up
    longest   seconds of the longest pause
    """

    def __init__(self, stop, deadline, longest=60.0, first=0.5):
        self._stop, self._deadline = stop, deadline
        self._longest, self._first = longest, first

    def within_deadline(self, action):
        """The result of `action`, which is tried again while it is Unavailable."""
        end = time.monotonic() + self._deadline
        for pause in self._pauses():
            try:
                return action()
            except errors.Unavailable as error:
                if time.monotonic() + pause >= end:
                    raise
                LOG.info("Trying again in %.1f s: %s", pause, error)
            self.sleep(pause)

    def until_done(self, action, what):
        """The result of `action`, which is tried again whatever is wrong: it undoes something."""
        for pause in self._pauses():
            try:
                return action()
            except errors.Stopping:
                raise
            except errors.AgentError as error:
                LOG.warning("Cannot %s yet, trying again in %.1f s: %s", what, pause, error)
            except Exception:  # pylint: disable=broad-except
                LOG.exception("Cannot %s yet, trying again in %.1f s", what, pause)
            self.sleep(pause)

    def sleep(self, seconds):
        """A pause, which the agent's end cuts short by Stopping."""
        if self._stop.wait(seconds):
            raise errors.Stopping("the agent is being stopped")

    def raise_if_stopping(self):
        """Before something new is begun."""
        if self._stop.is_set():
            raise errors.Stopping("the agent is being stopped")

    def _pauses(self):
        pause = self._first
        while True:
            yield min(pause, self._longest)
            pause = min(2 * pause, self._longest)
