# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong, by what can be done about it."""


class AgentError(Exception):
    """The base of all of them; the text is for people."""


class Unavailable(AgentError):
    """There was no answer, or none that says anything: trying again may help."""


class NotFound(AgentError):
    """There is no such thing (any more)."""


class Denied(AgentError):
    """The answer is no."""


class Skipped(AgentError):
    """The instance is not to be updated now, and was not touched."""


class Stopping(AgentError):
    """The agent is being stopped; what is open is taken up by its next start."""
