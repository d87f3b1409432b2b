# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's QEMU is diverted: a guest with an unchanged XML is updated; then all is undone."""

import hashlib
import pathlib
import shutil

from lib import qemu
from lib.domain import QEMU, Domain
from lib.update import EMULATORS_TOOL, Update, require_nothing_left

QEMU_BACKEND = True
IN_CONTAINER = True

DIVERTED = QEMU + ".distrib"


def digest(path):
    """What the file contains."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def refused(l1, *command, text):
    """The command fails and says so."""
    result = l1.run(*command, check=False)
    l1.require(result.returncode == 1 and text in result.stderr,
               f"'{' '.join(command)}' was not refused with '{text}'")


def run(l1):
    """QEMU is under its own path here, as on any host."""
    qemu.set_up(l1)
    shutil.copy2(qemu.STOCK_QEMU, QEMU)
    before = digest(QEMU)
    guest = Domain(l1, QEMU, vcpus=2, jobs=["io@vda"], devices=(), shared_memory=False,
                   virtio=[qemu.disk(l1, "vda")])
    xml = guest.virsh("dumpxml", "--inactive")

    l1.run(EMULATORS_TOOL, "divert", QEMU)
    refused(l1, EMULATORS_TOOL, "divert", QEMU, text="diverted already")
    refused(l1, EMULATORS_TOOL, "set", "virt-cpr-qemu", QEMU, text="no VMM itself")
    l1.require(QEMU in l1.run("dpkg-divert", "--list").stdout, "dpkg does not know of it")
    guest.start()
    guest.wait_for_io(20, job="io-vda")
    refused(l1, "virt-update-in-place", guest.name, QEMU, text="no VMM itself")
    update = Update(guest)
    l1.require(update.job["new"]["binary"] == DIVERTED, "another binary was taken")
    guest.wait_for_io(20, job="io-vda")

    refused(l1, EMULATORS_TOOL, "undivert", QEMU, text=guest.name)
    l1.require(digest(QEMU) != before, "QEMU was put back under a guest")
    Update(guest, str(qemu.NEXT_QEMU))
    guest.require_no_complaints()
    guest.virsh("destroy")
    require_nothing_left(l1)
    l1.run(EMULATORS_TOOL, "undivert", QEMU)
    l1.require(digest(QEMU) == before and not pathlib.Path(DIVERTED).exists(),
               "QEMU is not what it was")
    l1.require(QEMU not in l1.run("dpkg-divert", "--list").stdout, "dpkg has not forgotten it")
    l1.run("virsh", "metadata", guest.name, "http://libvirt-cpr.org/xmlns/domain/history/1.0",
           "--config", "--remove")
    after = guest.virsh("dumpxml", "--inactive")
    l1.require("".join(after.split()).replace("<metadata/>", "") == "".join(xml.split()),
               "the domain's XML has changed")
    guest.virsh("start")
    l1.require(guest.state() == "running", "the guest does not start on the system's QEMU")
