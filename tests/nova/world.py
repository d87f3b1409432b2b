# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the agent acts on, in so far as it acts on it: a stand-in for Nova's API with Keystone, over
HTTP, and for the VMMs of a host.

It is for what no real Nova does on request: to be killed at each step, to be answered late or not at
all. nova_client_test.py plays the same scenes on it as on recorded answers; the agent with a real Nova
is the testbed's.
"""
import contextlib
import http.server
import json
import re
import threading
import urllib.parse
import urllib.request

import recording
from libvirt_cpr_nova import domains, errors

HOST, HYPERVISOR = "compute1", "compute1.example"
US, OTHERS = "user-of-the-agent", "user-of-others"
_FIRST_WITH_LOCKED_REASON = 73
SERVICE = "11111111-1111-4111-8111-111111111111"


class Server:
    """One server, and the VMM under it."""

    def __init__(self, server_id, plan="updated"):
        self.server_id, self.plan = server_id, plan
        self.status, self.task, self.host = "ACTIVE", None, HOST
        self.locked, self.reason, self.actions = False, None, []
        self.metadata, self.tags = {}, []
        self.runs, self.state, self.remedy = True, domains.OUTDATED, None
        self.domain_id, self.job, self.generation = 7, 3, 0
        self.updates = 0

    def lock(self, reason, user):
        """As Nova does it: without a reason the one before stays."""
        self.actions.insert(0, ("lock", user))
        self.locked, self.reason = True, reason or self.reason

    def unlock(self, user):
        """As Nova does it."""
        self.actions.insert(0, ("unlock", user))
        self.locked, self.reason = False, None

    def begin_update(self):
        """What libvirt-cpr does with it, at once."""
        self.job += 1
        self.updates += 1
        if self.plan == "updated":
            self.generation += 1
            self.state = domains.CURRENT

    def document(self):
        """As the API has it; for a user who may not see hosts, if there is none."""
        where = {"OS-EXT-SRV-ATTR:host": self.host} if self.host else {}
        return {"id": self.server_id, "name": f"name-{self.server_id[:4]}", "tenant_id": "project",
                "status": self.status, "OS-EXT-STS:task_state": self.task, **where, "locked": self.locked,
                "locked_reason": self.reason, "metadata": self.metadata}


class World:
    """Serves on a port of its own until close().

    `before` and `after` have functions that are called with (method, path, body) around what a
    request does; what they return, if not None, is the status of the answer, or "drop" for none.
    """

    def __init__(self, servers, hypervisor=HYPERVISOR):
        self.hypervisor, self.roles, self.more_services = hypervisor, ["admin"], []
        self.servers = {server.server_id: server for server in servers}
        self.service = {"id": SERVICE, "host": HOST, "binary": "nova-compute", "status": "enabled", "state": "up",
                        "disabled_reason": None}
        self.before, self.after, self.requests = [], [], []
        self.cell_down = 0  # for how many questions
        self.valid_token = 1
        self.mutex = threading.RLock()
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self):
        """Where it is."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def close(self):
        """End it."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(self, method, path, body):
        """(status, JSON) of Nova's API, which has little to say while a cell does not answer."""
        status, document = self._answer(method, path, body)
        if self.cell_down and method == "GET" and status == 200:
            if "server" in document:
                self.cell_down -= 1
                return 200, {"server": {"id": document["server"]["id"], "status": "UNKNOWN", "tenant_id": "project"}}
            if "services" in document:
                self.cell_down -= 1
                return 200, {"services": [dict(service, status="UNKNOWN") for service in document["services"]]}
        return status, document

    def _answer(self, method, path, body):
        plain, _, query = path.partition("?")
        for pattern, verb, call in self._routes():
            match = re.fullmatch(pattern, plain)
            if match and verb == method:
                return call(body, urllib.parse.parse_qs(query), *match.groups())
        return 404, {"itemNotFound": {"code": 404, "message": f"{method} {path}"}}

    def _routes(self):
        server = r"/servers/([0-9a-f-]{36})"
        return ((server, "GET", self._show), (server + "/action", "POST", self._act),
                (server + "/os-instance-actions", "GET", self._actions),
                (server + "/metadata", "POST", self._metadata), (server + "/tags", "GET", self._tags),
                (server + "/tags/(.+)", "PUT", self._add_tag), (server + "/tags/(.+)", "DELETE", self._remove_tag),
                ("/servers/detail", "GET", self._named), ("/os-services", "GET", self._services),
                (r"/os-services/([0-9a-f-]{36})", "PUT", self._update_service),
                ("/os-hypervisors/detail", "GET", self._hypervisors))

    def _found(self, server_id, then):
        if server_id not in self.servers:
            return 404, {"itemNotFound": {"code": 404, "message": f"Instance {server_id} could not be found."}}
        return then(self.servers[server_id])

    def _show(self, _body, _query, server_id):
        return self._found(server_id, lambda server: (200, {"server": server.document()}))

    def _act(self, body, _query, server_id):
        def act(server):
            if "lock" in body:
                server.lock(body["lock"]["locked_reason"], US)
            else:
                server.unlock(US)
            return 202, None
        return self._found(server_id, act)

    def _actions(self, _body, _query, server_id):
        return self._found(server_id, lambda server: (200, {"instanceActions": [
            {"action": action, "user_id": user} for action, user in server.actions]}))

    def _metadata(self, body, _query, server_id):
        def keep(server):
            server.metadata.update(body["metadata"])
            return 200, {"metadata": server.metadata}
        return self._found(server_id, keep)

    def _tags(self, _body, _query, server_id):
        return self._found(server_id, lambda server: (200, {"tags": list(server.tags)}))

    def _add_tag(self, _body, _query, server_id, tag):
        def add(server):
            server.tags.append(urllib.parse.unquote(tag))
            return 201, None
        return self._found(server_id, add)

    def _remove_tag(self, _body, _query, server_id, tag):
        def remove(server):
            server.tags.remove(urllib.parse.unquote(tag))
            return 204, None
        return self._found(server_id, remove)

    def _named(self, _body, query):
        documents = [server.document() for server in self.servers.values()]
        return 200, {"servers": [found for found in documents if re.search(query["name"][0], found["name"])]}

    def _services(self, _body, query):
        found = [self.service] if self.service and query["host"] == [HOST] else []
        return 200, {"services": found}

    def _update_service(self, body, _query, service_id):
        if service_id != self.service["id"]:
            return 404, {"itemNotFound": {"code": 404, "message": "no service"}}
        self.service["status"], self.service["disabled_reason"] = body["status"], body.get("disabled_reason")
        return 200, {"service": self.service}

    def _hypervisors(self, _body, _query):
        return 200, {"hypervisors": [{"id": "h", "hypervisor_hostname": self.hypervisor, "host_ip": "127.0.0.1",
                                      "hypervisor_type": "QEMU", "service": {"host": HOST, "id": SERVICE}}]}

    # -- the VMMs, for Vmms ------------------------------------------------------------------------

    def vmm(self, call, server_id=None):
        """What Vmms asks; the answer is JSON, null for a guest that does not run here."""
        if call == "list":
            return [server.server_id for server in self.servers.values() if server.runs]
        server = self.servers.get(server_id)
        if not server or not server.runs:
            return None
        if call == "begin":
            server.begin_update()
        return {"domain_id": server.domain_id, "job": server.job, "generation": server.generation,
                "state": server.state, "remedy": server.remedy, "plan": server.plan}


def _handler_of(world):
    class Handler(http.server.BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"

        def _handle(self):
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(text) if text else None
            status, document = self._result(self.command, self.path, body)
            if status == "drop":
                self.close_connection = True
                return
            empty = document is None and not self.path.startswith("/vmm/")
            text = b"" if empty else json.dumps(document).encode()
            self.send_response(status)
            for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(text)))):
                self.send_header(name, value)
            if self.path.startswith("/v3/auth/tokens"):
                self.send_header("X-Subject-Token", f"token-{world.valid_token}")
            with contextlib.suppress(ConnectionError):  # of an agent that was killed meanwhile
                self.end_headers()
                self.wfile.write(text)

        def _result(self, method, path, body):
            if path == "/v3":
                links = [{"rel": "self", "href": f"{world.url}/v3"}]
                return 200, {"version": {"id": "v3.14", "status": "stable", "links": links}}
            if path.partition("?")[0] == "/v3/auth/tokens":
                # POST makes one, GET (of auth_token's) asks what one is.
                return (201 if method == "POST" else 200), recording.token(
                    US, f"{world.url}/v2.1", world.roles, world.more_services)
            if path.startswith("/vmm/"):
                with world.mutex:
                    return 200, world.vmm(*path.split("/")[2:])
            if self.headers.get("X-Auth-Token") != f"token-{world.valid_token}":
                return 401, {"error": {"code": 401}}
            return self._nova(method, path.removeprefix("/v2.1"), body)

        def _nova(self, method, path, body):
            version = self.headers.get("OpenStack-API-Version", "compute 2.1").partition(" 2.")[2]
            if int(version) < _FIRST_WITH_LOCKED_REASON:
                return 400, {"badRequest": {"code": 400, "message": "Additional properties are not allowed"}}
            for hook in list(world.before):
                status = hook(method, path, body)
                if status is not None:
                    return status, {"error": "before"}
            with world.mutex:
                world.requests.append((method, path, body))
                answer = world.answer(method, path, body)
            for hook in list(world.after):
                status = hook(method, path, body)
                if status is not None:
                    return status, {"error": "after"}
            return answer

        do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815  pylint: disable=invalid-name

        def log_message(self, *_arguments):  # pylint: disable=arguments-differ
            """Nothing."""

    return Handler


class Vmms:
    """In the place of Domains, in whichever process: the VMMs are the World's."""

    def __init__(self, url):
        self._url = url

    def hostname(self):
        """As of Domains."""
        return HYPERVISOR

    def vmms(self):
        """As of Domains."""
        return [self.vmm(server_id) for server_id in self._ask("list")]

    def vmm(self, server_id):
        """As of Domains."""
        told = self._ask("show", server_id)
        return domains.Vmm(server_id, "n", "p", told["state"], "1.0", message="old" if told["remedy"] else None,
                           remedy=told["remedy"])

    def check(self, _server_id):
        """As of Domains."""
        return domains.Outcome("possible")

    def position(self, server_id):
        """As of Domains."""
        told = self._ask("show", server_id)
        return domains.Position(told["domain_id"], told["job"], told["generation"])

    def begin(self, server_id):
        """As of Domains."""
        return self._ask("begin", server_id)["job"]

    def outcome(self, server_id, before, job=None):
        """As of Domains."""
        told = self._ask("show", server_id)
        if told["job"] < (job or before.job + 1):
            return domains.Outcome("failed", None, "the update was not begun")
        return domains.Outcome(told["plan"], new_version="2.0")

    def _ask(self, *words):
        with urllib.request.urlopen(f"{self._url}/vmm/{'/'.join(words)}") as answer:
            told = json.load(answer)
        if told is None:
            raise errors.NotFound("libvirt has no such domain")
        return told
