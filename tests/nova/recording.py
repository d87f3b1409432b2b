# SPDX-License-Identifier: LGPL-2.1-or-later
"""Answers of a real Nova's, kept in files: recordings/RELEASE/SCENE.json.

    {"facts": {"release": "26.2.2", "server_id": ..., "server_name": ..., "host": ..., "user_id": ...},
     "exchanges": [{"request": {"method": "GET", "path": "/servers/...", "microversion": "2.73", "body": null},
                    "response": {"status": 200, "headers": {"Content-Type": "application/json"}, "body": {...}}}]}

Exchanges are in their order; `path` is what comes after the endpoint, with the query; `body` is
JSON, or a string if it was not, or null if it was empty.
"""
import json
import pathlib
import urllib.parse

FOLDER = pathlib.Path(__file__).resolve().parent / "recordings"
ENDPOINT = "http://nova.example:8774/v2.1"


def releases():
    """The folders of recordings that there are."""
    return sorted(path for path in FOLDER.glob("nova-*") if path.is_dir())


class Recorder:
    """Stands in front of a keystoneauth Adapter, and keeps what goes by."""

    def __init__(self, adapter):
        self._adapter = adapter
        self.exchanges = []

    def get_user_id(self):
        """As of the Adapter."""
        return self._adapter.get_user_id()

    def request(self, path, method, microversion, headers, json=None):  # pylint: disable=redefined-outer-name
        """As of the Adapter; errors are kept as well."""
        response = self._adapter.request(path, method, microversion=microversion, headers=headers, raise_exc=False,
                                         **({} if json is None else {"json": json}))
        self.exchanges.append({
            "request": {"method": method, "path": path, "microversion": microversion, "body": json},
            "response": {"status": response.status_code,
                         "headers": {name: value for name, value in response.headers.items()
                                     if name in ("Content-Type", "x-compute-request-id", "OpenStack-API-Version")},
                         "body": _body(response)}})
        if response.status_code >= 400:
            from keystoneauth1 import exceptions  # pylint: disable=import-outside-toplevel
            raise exceptions.from_response(response, method, path)
        return response


def _body(response):
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError:
        return response.text


class Replay:
    """Answers requests of requests_mock's as recorded, in that order and no other."""

    def __init__(self, document, mocker):
        self.facts = document["facts"]
        self.left = list(document["exchanges"])
        self.problems = []
        mocker.register_uri("GET", "http://keystone.example/v3", json=_version_document())
        mocker.register_uri("POST", "http://keystone.example/v3/auth/tokens", status_code=201,
                            headers={"X-Subject-Token": "token"}, json=token(self.facts["user_id"]))
        mocker.add_matcher(self._match)

    def _match(self, request):
        if not request.url.startswith(ENDPOINT):
            return None
        import requests_mock  # pylint: disable=import-outside-toplevel
        asked = {"method": request.method, "path": request.url[len(ENDPOINT):],
                 "microversion": request.headers.get("OpenStack-API-Version", "").removeprefix("compute "),
                 "body": json.loads(request.text) if request.text else None}
        expected = self.left.pop(0) if self.left else {"request": None}
        if _normal(asked) != _normal(expected["request"]):
            self.problems.append((asked, expected["request"]))
            return requests_mock.create_response(request, status_code=599)
        answer = expected["response"]
        body = answer["body"]
        text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        return requests_mock.create_response(request, status_code=answer["status"], headers=answer["headers"],
                                             text=text)


def _normal(request):
    """A request with its query in a form that can be compared."""
    if request is None:
        return None
    path, _, query = request["path"].partition("?")
    return dict(request, path=(path, sorted(urllib.parse.parse_qsl(query))))


def _version_document():
    links = [{"rel": "self", "href": "http://keystone.example/v3"}]
    return {"version": {"id": "v3.14", "status": "stable", "links": links}}


def token(user_id, endpoint=ENDPOINT, roles=("admin",), services=()):
    """Keystone's answer with a token and a catalog; the test's own."""
    domain = {"id": "default", "name": "Default"}
    catalog = [{"type": kind, "name": kind, "id": kind, "endpoints": [
        {"interface": interface, "region": "RegionOne", "region_id": "RegionOne", "id": interface, "url": url}
        for interface in ("public", "internal", "admin")]}
        for kind, url in (("compute", endpoint), ("identity", endpoint.replace("/v2.1", "/v3")), *services)]
    return {"token": {
        "methods": ["password"], "issued_at": "2026-01-01T00:00:00.000000Z",
        "expires_at": "2099-01-01T00:00:00.000000Z", "user": {"id": user_id, "name": "libvirt-cpr", "domain": domain},
        "project": {"id": "p", "name": "service", "domain": domain},
        "roles": [{"id": role, "name": role} for role in roles], "catalog": catalog}}
