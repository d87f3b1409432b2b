# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything that the agent and the plugin ask of Nova, in scenes.

record_answers.py plays them on a cloud and keeps the answers; nova_client_test.py plays them on
those. A scene returns what NovaClient made of the answers.
"""
from libvirt_cpr_nova import errors

REASON = "VMM update in place by libvirt-cpr (job 00000000-0000-4000-8000-000000000000)"
TAG = "libvirt-cpr:updated:10.0.2"
NOBODY = "00000000-0000-4000-8000-000000000001"


def lock(nova, facts):
    """A server before, under and after a lock of ours."""
    server_id = facts["server_id"]
    told = [nova.server(server_id), nova.locks(server_id)]
    nova.lock(server_id, REASON)
    try:
        told += [nova.server(server_id), nova.locks(server_id)]
    finally:
        nova.unlock(server_id)
    return told + [nova.server(server_id), nova.locks(server_id)]


def service(nova, facts):
    """The compute service before, while and after it is disabled by us."""
    told = [nova.compute_service(facts["host"])]
    nova.disable_service(told[0]["id"], REASON)
    try:
        told.append(nova.compute_service(facts["host"]))
    finally:
        nova.enable_service(told[0]["id"])
    return told + [nova.compute_service(facts["host"])]


def hypervisors(nova, _facts):
    """The hosts."""
    return nova.hypervisors()


def names(nova, facts):
    """A server by its name, and one that there is not."""
    return nova.servers_named(facts["server_name"]), nova.servers_named(facts["server_name"] + "-")


def metadata(nova, facts):
    """A result in the metadata."""
    nova.set_metadata(facts["server_id"], {"libvirt_cpr_result": "updated", "libvirt_cpr_vmm": "10.0.2"})
    return nova.server(facts["server_id"])["metadata"]


def tags(nova, facts):
    """A result as a tag."""
    nova.add_tag(facts["server_id"], TAG)
    told = nova.tags(facts["server_id"])
    nova.remove_tag(facts["server_id"], TAG)
    return told, nova.tags(facts["server_id"])


def gone(nova, facts):
    """What there is not."""
    told = []
    for call in (lambda: nova.server(NOBODY), lambda: nova.lock(NOBODY, REASON), lambda: nova.unlock(NOBODY),
                 lambda: nova.set_metadata(NOBODY, {"a": "b"}), lambda: nova.compute_service(facts["host"] + "-"),
                 lambda: nova.disable_service(NOBODY, REASON)):
        told.append(_error_of(call))
    return told


def refused(nova, facts):
    """What Nova does not take."""
    return [_error_of(lambda: nova.set_metadata(facts["server_id"], {"k" * 256: "v"})),
            _error_of(lambda: nova.add_tag(facts["server_id"], "t" * 61))]


SCENES = (lock, service, hypervisors, names, metadata, tags, gone, refused)


def _error_of(call):
    try:
        call()
    except errors.AgentError as error:
        return type(error)
    return None
