# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is asked of Nova: its public REST API, at one microversion that every Nova from 22 on has.

2.73 is the first with `locked_reason`. Later ones change nothing that is used here, and from 2.88
on each look at a hypervisor costs Nova a question to its host.
"""
import time
import urllib.parse

from keystoneauth1 import exceptions

from libvirt_cpr_nova import errors

MICROVERSION = "2.73"
COMPUTE_BINARY = "nova-compute"

# Refusals that are none: of a token (keystoneauth has tried a new one already, so it is Keystone that
# may be better soon), of a request that came too slowly, and of too many.
_LATER = (401, 408, 429)

_SECONDS_TO_BE_DEAD = 1.0


class NovaClient:
    """Calls over a keystoneauth Adapter of the compute service's.

    Each is tried once: Unavailable says that the next time may be better, and that a change may
    have been made all the same.
    """

    def __init__(self, adapter):
        self._adapter = adapter

    # -- servers -----------------------------------------------------------------------------------

    def server(self, server_id):
        """A server, as the API has it."""
        server = self._call("GET", f"/servers/{_quoted(server_id)}")["server"]
        if "locked" not in server:
            raise errors.Unavailable(f"the cell of the server {server_id} does not answer")
        return server

    def servers_named(self, name):
        """Those of all projects that have exactly this name."""
        query = urllib.parse.urlencode({"all_tenants": 1, "name": f"^{_literal(name)}$"})
        return [server for server in self._pages("/servers/detail", "servers", query)
                if server["name"] == name]

    def lock(self, server_id, reason):
        """Lock a server for everybody but administrators."""
        self._act(server_id, {"lock": {"locked_reason": reason}})

    def unlock(self, server_id):
        """Undo whoever's lock it is."""
        self._act(server_id, {"unlock": None})

    def locks(self, server_id):
        """All ("lock" or "unlock", id of the user) that a server has had, newest first."""
        path = f"/servers/{_quoted(server_id)}/os-instance-actions"
        return [(action["action"], action["user_id"]) for action in self._call("GET", path)["instanceActions"]
                if action["action"] in ("lock", "unlock")]

    def set_metadata(self, server_id, items):
        """Add to a server's metadata, or change it."""
        self._call("POST", f"/servers/{_quoted(server_id)}/metadata", {"metadata": items})

    def tags(self, server_id):
        """The tags of a server."""
        return self._call("GET", f"/servers/{_quoted(server_id)}/tags")["tags"]

    def add_tag(self, server_id, tag):
        """Give a server a tag."""
        self._call("PUT", f"/servers/{_quoted(server_id)}/tags/{_quoted(tag)}")

    def remove_tag(self, server_id, tag):
        """Take a tag from a server."""
        self._call("DELETE", f"/servers/{_quoted(server_id)}/tags/{_quoted(tag)}")

    # -- hosts -------------------------------------------------------------------------------------

    def compute_service(self, host):
        """The nova-compute of a host."""
        query = urllib.parse.urlencode({"host": host, "binary": COMPUTE_BINARY})
        for service in self._call("GET", f"/os-services?{query}")["services"]:
            if service["host"] == host and service["binary"] == COMPUTE_BINARY:
                if service["status"] not in ("enabled", "disabled"):
                    raise errors.Unavailable(f"the cell of the host {host} does not answer")
                return service
        raise errors.NotFound(f"Nova has no {COMPUTE_BINARY} of the host {host}")

    def disable_service(self, service_id, reason):
        """Have nothing more scheduled to a host."""
        self._call("PUT", f"/os-services/{_quoted(service_id)}",
                   {"status": "disabled", "disabled_reason": reason})

    def enable_service(self, service_id):
        """Undo that."""
        self._call("PUT", f"/os-services/{_quoted(service_id)}", {"status": "enabled"})

    def hypervisors(self):
        """All hypervisors, with address and service."""
        return list(self._pages("/os-hypervisors/detail", "hypervisors"))

    # -- how ---------------------------------------------------------------------------------------

    def user_id(self):
        """Who makes these calls."""
        return _told(self._adapter.get_user_id, "ask Keystone who this is")

    def _act(self, server_id, action):
        self._call("POST", f"/servers/{_quoted(server_id)}/action", action)

    def _pages(self, path, name, query=""):
        """All members of a list that comes in pages."""
        marker = ""
        while True:
            parameters = "&".join(part for part in (query, marker) if part)
            page = self._call("GET", f"{path}?{parameters}" if parameters else path)
            yield from page[name]
            if not page.get(f"{name}_links") or not page[name]:
                return
            marker = urllib.parse.urlencode({"marker": page[name][-1]["id"]})

    def _call(self, method, path, body=None):
        """The answer's JSON, or None if it has none."""
        arguments = {} if body is None else {"json": body}

        def send():
            return self._adapter.request(path, method, microversion=MICROVERSION,
                                         headers={"Accept": "application/json"}, **arguments)
        response = _told(lambda: _on_a_live_connection(send), f"{method} {path}")
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            # Of those that are asked for nothing but their status (lock) some have a text.
            return None


def _on_a_live_connection(send):
    """Send a request again, if the connection turns out to be dead at once. uWSGI, which is in front of many Novas,
    ends connections after an answer without saying so, and the next request meets that."""
    sent = time.monotonic()
    try:
        return send()
    except exceptions.ConnectTimeout:
        raise
    except exceptions.ConnectFailure:
        if time.monotonic() - sent > _SECONDS_TO_BE_DEAD:
            raise
    return send()


def _told(call, what):
    """Make a call, and say what is wrong by an error of ours."""
    try:
        return call()
    except exceptions.NotFound as error:
        raise errors.NotFound(f"{what}: {error.message}") from error
    except exceptions.HTTPClientError as error:
        kind = errors.Unavailable if error.http_status in _LATER else errors.Denied
        raise kind(f"{what}: {error.message}") from error
    except exceptions.ClientException as error:
        raise errors.Unavailable(f"{what}: {error}") from error


def _quoted(part):
    return urllib.parse.quote(part, safe="")


def _literal(text):
    """A regular expression of the database's for the text itself."""
    return "".join(f"\\{character}" if character in r".^$*+?()[]{}|\\" else character for character in text)
