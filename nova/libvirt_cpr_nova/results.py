# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is kept at a server of its last update, as configured: metadata, a tag, or nothing."""
from libvirt_cpr_nova import jobs

KEY = "libvirt_cpr"
TAG = "libvirt-cpr:"
_LONGEST_TAG = 60


def in_metadata(nova, instance):
    """As items of the server's metadata, which its project sees as well."""
    items = {f"{KEY}_result": instance.result, f"{KEY}_time": jobs.now()}
    version = version_after(instance)
    if version:
        items[f"{KEY}_vmm"] = version
    nova.set_metadata(instance.server_id, items)


def as_tag(nova, instance):
    """As one tag, in the place of those of earlier updates."""
    tag = f"{TAG}{instance.result}:{version_after(instance) or 'unknown'}"
    # Nova's tags have neither of these.
    tag = tag.replace("/", "-").replace(",", "-")[:_LONGEST_TAG]
    earlier = [old for old in nova.tags(instance.server_id) if old.startswith(TAG) and old != tag]
    nova.add_tag(instance.server_id, tag)
    for old in earlier:
        nova.remove_tag(instance.server_id, old)


def nowhere(_nova, _instance):
    """Not at all."""


WAYS = {"metadata": in_metadata, "tag": as_tag, "none": nowhere}


def version_after(instance):
    """The version of the VMM that the instance runs on."""
    return instance.new_version if instance.result == "updated" else instance.old_version
