# SPDX-License-Identifier: LGPL-2.1-or-later
"""The instances of this host as libvirt has them, and the updates of their VMMs.

Every call has a connection of its own, so that a restart of libvirt's daemon needs no care.
"""
import configparser
import contextlib
import dataclasses
import json
import pathlib
import re
import typing
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_cpr
import libvirt_qemu

from libvirt_cpr_nova import errors

NAMESPACES = ("http://openstack.org/xmlns/libvirt/nova/1.1", "http://openstack.org/xmlns/libvirt/nova/1.0")

# States of an instance's VMM.
CURRENT, OUTDATED, NOT_UPDATABLE, UNKNOWN = "current", "outdated", "not-updatable", "unknown"

_REMEDY_RESTART = "reboot the server hard, or live-migrate it to a host that is set up for updates"
_REMEDY_OPT_IN = ("set the host up for updates (virt-cpr-emulators divert {}), and then reboot the server "
                  "hard, or live-migrate it to a host that is set up already")


@dataclasses.dataclass
class Vmm:
    """One instance and the VMM that it runs on."""

    server_id: str
    name: str
    project_id: str
    state: str
    version: str | None = None
    generation: int | None = None
    message: str | None = None
    remedy: str | None = None
    blockers: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Outcome:
    """What came of an update or a check; `result` is one of those of `jobs`."""

    result: str
    code: str | None = None
    message: str | None = None
    blockers: list = dataclasses.field(default_factory=list)
    old_version: str | None = None
    new_version: str | None = None
    pause_ms: float | None = None


class Position(typing.NamedTuple):
    """Where a domain stands in its updates."""

    domain_id: int    # libvirt's number for this start of the domain
    job: int          # the last job of its controller
    generation: int   # how many updates it has had since its start


class Domains:
    """The domains of the host's libvirt.

    uri            of a libvirt of this very host
    emulators_conf path of emulators.conf(5)
    deadline       seconds after which an update that has not ended is followed no longer
    """

    def __init__(self, uri, emulators_conf, deadline):
        if "+" in uri.split(":")[0] or re.match(r"\w+://[^/]", uri):
            raise errors.AgentError(f"the connection {uri} leads to another host; there is one agent on each host")
        self._uri, self._emulators_conf, self._deadline = uri, pathlib.Path(emulators_conf), deadline
        # What goes wrong is raised; without this it is printed as well.
        libvirt.registerErrorHandler(lambda _context, _error: None, None)

    def hostname(self):
        """What Nova calls this machine's hypervisor."""
        with self._connection() as connection:
            return connection.getHostname()

    def vmms(self):
        """All instances that run here, as Vmm."""
        with self._connection() as connection:
            running = connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
            return [vmm for vmm in map(self._vmm_or_none, running) if vmm]

    def vmm(self, server_id):
        """One of them."""
        with self._domain(server_id) as domain:
            vmm = self._vmm_or_none(domain)
            if not vmm:
                raise errors.NotFound(f"the domain {server_id} is none of Nova's")
            return vmm

    def check(self, server_id):
        """Whether it could be updated now, as Outcome."""
        with self._domain(server_id) as domain:
            try:
                found = libvirt_cpr.check(domain)
            except libvirt_cpr.CprError as error:
                return Outcome("failed", error.code, str(error))
        if found:
            return Outcome("possible")
        return Outcome("refused", found.code, found.reason, [vars(blocker) for blocker in found.blockers])

    def position(self, server_id):
        """What was before an update, by which outcome() knows later whether there was one."""
        with self._domain(server_id) as domain:
            job = libvirt_cpr.job_json(domain)
            return Position(domain.ID(), job["job-id"], job["generation"])

    def begin(self, server_id):
        """Start the update and return its number, or raise a Refusal."""
        with self._domain(server_id) as domain:
            try:
                return libvirt_cpr.update(domain)
            except libvirt_cpr.CprError as error:
                raise Refusal(error) from error

    def outcome(self, server_id, before, job=None):
        """Wait for the end of an update, and say what it came to, as Outcome.

        before  the Position from directly before it
        job     its number, or None if it is not known whether it was started at all
        """
        try:
            with self._domain(server_id) as domain:
                return self._outcome(domain, before, job)
        except errors.NotFound:
            return Outcome("unknown", None, "the guest does not run here any more")

    def _outcome(self, domain, before, job):
        if domain.ID() != before.domain_id:
            return Outcome("unknown", None, "the guest was started anew meanwhile")
        last = libvirt_cpr.job_json(domain)
        number = job or before.job + 1
        if last["job-id"] < number:
            return Outcome("failed", None, "the update was not begun")
        if last["job-id"] > number or (job is None and last["check"]):
            return _by_history(domain, before, last["generation"])
        try:
            return _completed(libvirt_cpr.wait(domain, number, int(self._deadline * 1000)))
        except libvirt_cpr.CprError as error:
            if error.job is None and error.code == "timeout":
                return Outcome("unknown", error.code, f"the update has not ended after {self._deadline:.0f} s")
            return _not_completed(error)

    def _vmm_or_none(self, domain):
        """None for a domain that is none of Nova's, or has ended meanwhile."""
        vmm = None
        try:
            instance = _nova_metadata(domain)
            if instance is None:
                return None
            vmm = Vmm(domain.UUIDString(), instance["name"], instance["project_id"], UNKNOWN)
            self._look_at(vmm, domain)
        except libvirt.libvirtError as error:
            if error.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID):
                return None
            if not vmm or not domain.connect().isAlive():
                raise
            # A guest whose monitor does not answer is no reason to be silent about the others.
            vmm.message = f"libvirt: {error}"
        return vmm

    def _look_at(self, vmm, domain):
        """What there is to say of a VMM."""
        try:
            stats = libvirt_cpr.stats(domain)
        except libvirt_cpr.Unsupported:
            vmm.state, vmm.message = NOT_UPDATABLE, "the guest was started before the host was set up for updates"
            vmm.remedy = self._remedy(domain)
            vmm.version = _asked_version(domain)
            return
        except libvirt_cpr.CprError as error:
            vmm.message = str(error)
            return
        vmm.generation = stats["generation"]
        vmm.version = stats["running"].get("version") or _asked_version(domain)
        if "outdated" in stats:
            vmm.state = OUTDATED if stats["outdated"] else CURRENT
        else:
            vmm.message = stats["error"]["desc"]
        if vmm.state != CURRENT:
            vmm.blockers = [vars(blocker) for blocker in libvirt_cpr.job_info(domain).blockers]

    def _remedy(self, domain):
        """What makes a guest of a stock VMM's updatable."""
        emulator = pathlib.Path(ElementTree.fromstring(domain.XMLDesc()).findtext("devices/emulator", ""))
        conf = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            conf.read(self._emulators_conf, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            return _REMEDY_RESTART
        return _REMEDY_RESTART if conf.has_section(emulator.name) else _REMEDY_OPT_IN.format(emulator)

    @contextlib.contextmanager
    def _connection(self):
        try:
            connection = libvirt.open(self._uri)
        except libvirt.libvirtError as error:
            raise errors.Unavailable(f"libvirt ({self._uri}): {error}") from error
        try:
            yield connection
        except libvirt_cpr.CprError as error:
            raise errors.Denied(str(error)) from error
        except libvirt.libvirtError as error:
            raise errors.Unavailable(f"libvirt: {error}") from error
        finally:
            with contextlib.suppress(libvirt.libvirtError):
                connection.close()

    @contextlib.contextmanager
    def _domain(self, server_id):
        """A domain that runs here."""
        with self._connection() as connection:
            try:
                domain = connection.lookupByUUIDString(server_id)
            except libvirt.libvirtError as error:
                if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                    raise errors.NotFound(f"libvirt has no domain {server_id} on this host") from error
                raise
            if not domain.isActive():
                raise errors.NotFound(f"the domain {server_id} does not run")
            yield domain


class Refusal(errors.AgentError):
    """libvirt-cpr did not even begin."""

    def __init__(self, error):
        super().__init__(str(error))
        self.outcome = Outcome("failed" if error.code == "job-active" else "refused", error.code, str(error))


def _nova_metadata(domain):
    """Name and project in <nova:instance>, or None."""
    for namespace in NAMESPACES:
        try:
            text = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, namespace)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
                continue
            raise
        # libvirt gives the element without its own prefix, and its children with or without.
        element = ElementTree.fromstring(text)
        project = _child(_child(element, "owner"), "project")
        name = _child(element, "name")
        return {"name": "" if name is None else name.text or "",
                "project_id": "" if project is None else project.get("uuid", "")}
    return None


def _child(element, name):
    """The child of that name in whatever namespace."""
    return None if element is None else next((child for child in element if child.tag.split("}")[-1] == name), None)


def _asked_version(domain):
    """What the VMM says of itself; a question that every QEMU and cpr-vmm answers."""
    try:
        answer = json.loads(libvirt_qemu.qemuMonitorCommand(domain, '{"execute": "query-version"}', 0))
        version = answer["return"]["qemu"]
        return f"{version['major']}.{version['minor']}.{version['micro']}"
    except (libvirt.libvirtError, KeyError, ValueError):
        return None


def _by_history(domain, before, generation):
    """What came of an update that others have followed since."""
    if generation == before.generation:
        return Outcome("failed", None, "the update did not complete, or was not begun: the host's journal tells")
    versions = {entry["generation"]: entry["version"] for entry in libvirt_cpr.history(domain)}
    return Outcome("updated", new_version=versions.get(before.generation + 1))


def _completed(job):
    return Outcome("updated", old_version=job.old_version, new_version=job.new_version, pause_ms=_pause_ms(job))


def _not_completed(error):
    """What the final report of a job says that did not complete."""
    job = error.job
    if job is None:
        return Outcome("unknown", error.code, str(error))
    results = {libvirt_cpr.JobStatus.ROLLED_BACK: "rolled-back", libvirt_cpr.JobStatus.FAILED: "refused"}
    return Outcome(results.get(job.status, "failed"), error.code, str(error),
                   [vars(blocker) for blocker in job.blockers], job.old_version, job.new_version, _pause_ms(job))


def _pause_ms(job):
    return None if job.pause_ns is None else round(job.pause_ns / 1e6, 1)
