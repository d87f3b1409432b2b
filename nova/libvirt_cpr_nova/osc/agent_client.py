# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding the agent of a compute host, and speaking to it with the user's own token."""
import dataclasses
import re
import time

from keystoneauth1 import adapter, exceptions

from libvirt_cpr_nova import errors, nova_client

SERVICE_TYPE = "vmm-update"
DEFAULT_URL = "http://HOST_IP:8790"

_ENDED = ("completed", "failed", "interrupted")
_SECONDS_OF_A_REQUEST = 60


@dataclasses.dataclass
class Host:
    """A compute host, as Nova knows it."""

    name: str
    address: str
    hypervisor: str


class Cloud:
    """Nova, and the agents of its hosts.

    session            keystoneauth's
    region, interface  which endpoints of the catalog
    url                of the agents, as of --os-vmm-agent-url, or None
    """

    def __init__(self, session, region=None, interface=None, url=None):
        self._session, self._region, self._interface, self._url = session, region, interface, url
        self.nova = nova_client.NovaClient(adapter.Adapter(
            session, service_type="compute", region_name=region, interface=interface))

    def hosts(self):
        """All hosts whose hypervisor is libvirt's."""
        return [Host(found["service"]["host"], found["host_ip"], found["hypervisor_hostname"])
                for found in self.nova.hypervisors() if found["hypervisor_type"] in ("QEMU", "KVM")]

    def host(self, name):
        """The host of that name, by which its service or its hypervisor goes."""
        for host in self.hosts():
            if name in (host.name, host.hypervisor):
                return host
        raise errors.NotFound(f"Nova has no compute host {name}")

    def server(self, name_or_id):
        """A server, by its id or by a name that only one server has."""
        try:
            return self.nova.server(name_or_id)
        except (errors.NotFound, errors.Denied):
            found = self.nova.servers_named(name_or_id)
        if not found:
            raise errors.NotFound(f"there is no server {name_or_id}")
        if len(found) > 1:
            raise errors.Denied(f"{len(found)} servers are called {name_or_id}: say which one by its id")
        return found[0]

    def agent(self, host):
        """The agent of a Host."""
        return Agent(self._session, host, self._agent_url(host))

    def _agent_url(self, host):
        url = self._url or self._catalog_url() or DEFAULT_URL
        if not re.search(r"\bHOST(_IP)?\b", url):
            url = url.rstrip("/") + "/HOST"
        address = f"[{host.address}]" if ":" in host.address else host.address
        return re.sub(r"\bHOST\b", host.name, re.sub(r"\bHOST_IP\b", address, url))

    def _catalog_url(self):
        try:
            return self._session.get_endpoint(service_type=SERVICE_TYPE, region_name=self._region,
                                              interface=self._interface)
        except exceptions.CatalogException:
            return None


class Agent:
    """The agent of one host."""

    def __init__(self, session, host, url):
        self.host, self._url = host, url
        self._adapter = adapter.Adapter(session, endpoint_override=url, connect_retries=0)

    def instances(self):
        """Those of the host, and their VMMs."""
        return self._call("GET", "/v1/instances")["instances"]

    def jobs(self):
        """All jobs that the agent remembers."""
        return self._call("GET", "/v1/jobs")["jobs"]

    def job(self, job_id):
        """One of them."""
        return self._call("GET", f"/v1/jobs/{job_id}")["job"]

    def start(self, **request):
        """Ask for a job."""
        return self._call("POST", "/v1/jobs", {"job": request})["job"]

    def wait(self, job, on_change=None, pause=1.0, patience=300.0):
        """The job when it has ended. An agent that does not answer, as while it is restarted, is
        waited for; after `patience` seconds of that the error is raised, and the job goes on."""
        answered = time.monotonic()
        while job["status"] not in _ENDED:
            time.sleep(pause)
            try:
                new = self.job(job["id"])
            except errors.Unavailable:
                if time.monotonic() - answered > patience:
                    raise
                continue
            answered = time.monotonic()
            if on_change and new != job:
                on_change(new)
            job = new
        return job

    def _call(self, method, path, body=None):
        arguments = {} if body is None else {"json": body}
        try:
            return self._adapter.request(path, method, timeout=_SECONDS_OF_A_REQUEST, **arguments).json()
        except exceptions.HttpError as error:
            text = f"the agent of {self.host.name}: {_message(error)}"
            raise _class_of(error)(text) from error
        except (exceptions.ClientException, ValueError) as error:
            raise errors.Unavailable(f"the agent of {self.host.name} ({self._url}) does not answer: {error}") from error


def _class_of(error):
    if error.http_status == 404:
        return errors.NotFound
    return errors.Unavailable if error.http_status >= 500 else errors.Denied


def _message(error):
    """What the agent says, or else keystoneauth."""
    try:
        return error.response.json()["error"]["message"]
    except (AttributeError, ValueError, KeyError, TypeError):
        return error.message
