# SPDX-License-Identifier: LGPL-2.1-or-later
"""A domain's policy forbids updates and allows them, and its history tells of them."""

import json

from lib import qemu
from lib.domain import Domain
from lib.update import TOOL, Update, job

QEMU_BACKEND = True
IN_CONTAINER = True

POLICY = "http://libvirt-cpr.org/xmlns/domain/policy/1.0"


def set_policy(guest, text):
    """Of the domain, as it runs and as it is configured."""
    guest.l1.run(TOOL, "--set-policy", text, guest.name)


def require_refused(guest, *options, text):
    """The update is refused with the text, and the guest is none the wiser."""
    jobs = job(guest)["job-id"]
    result = guest.l1.run(TOOL, *options, guest.name, check=False)
    guest.l1.require(result.returncode == 1 and text in result.stderr,
                     f"the update was not refused with '{text}'")
    return job(guest)["job-id"] - jobs


def history(guest):
    """What is told of the domain's updates."""
    return json.loads(guest.l1.run(TOOL, "--history", "--json", guest.name).stdout)["history"]


def require_entry(guest, entry, update, generation):
    """The history says of an update what its job says."""
    new = update.job["new"]
    wanted = {"generation": generation, "time": update.job["ended"], "binary": new["binary"],
              "version": new["version"], "pause-ns": update.pause["total-ns"]}
    guest.l1.require(entry == wanted, f"the history has {entry} instead of {wanted}")


def run(l1):
    """Policy first, then history, over a restart."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, jobs=["io@vda"], devices=(), shared_memory=False,
                   virtio=[qemu.disk(l1, "vda")])
    guest.start()
    guest.wait_for_io(20, job="io-vda")
    l1.require("yes" in l1.run(TOOL, "--policy", guest.name).stdout, "there is a policy already")

    set_policy(guest, "allowed=no")
    for options in ([], ["--check"]):
        l1.require(require_refused(guest, *options, text="does not allow") == 0,
                   "a forbidden update got to the controller")
    set_policy(guest, "allowed=yes,mode=exec")
    require_refused(guest, text="in mode exec")
    l1.require(require_refused(guest, "--mode", "transfer", text="in mode exec alone") == 0,
               "a request for another mode got to the controller")
    set_policy(guest, "mode=transfer,max-pause=1")
    require_refused(guest, "--max-pause", "60000", text="may be for 1 ms")
    guest.wait_for_io(20, job="io-vda")
    guest.virsh("metadata", POLICY, "--key", "cpr", "--set", "<policy allowed='perhaps'/>")
    require_refused(guest, text="perhaps")
    set_policy(guest, "default")
    l1.require(history(guest) == [], "updates that were refused are in the history")

    first = Update(guest, str(qemu.NEXT_QEMU))
    # Of an update that nobody follows the next request tells.
    guest.qmp("update-in-place", binary=str(qemu.STOCK_QEMU))
    l1.wait_until(lambda: job(guest)["status"] == "completed" and job(guest)["generation"] == 2, 60,
                  "the update that nobody follows")
    unwatched = job(guest)
    third = Update(guest, str(qemu.NEXT_QEMU))
    entries = history(guest)
    l1.require(len(entries) == 3, f"there are {len(entries)} updates in the history")
    require_entry(guest, entries[0], first, 1)
    l1.require(entries[1]["generation"] == 2 and entries[1]["time"] == unwatched["ended"],
               "the update that nobody followed is not in the history")
    require_entry(guest, entries[2], third, 3)
    guest.require_no_complaints()

    # Both are the domain's, and not the process's.
    set_policy(guest, "allowed=no")
    guest.virsh("destroy")
    guest.virsh("start")
    require_refused(guest, text="does not allow")
    l1.require(history(guest) == entries, "the history was lost over a restart")
