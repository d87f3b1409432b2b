# SPDX-License-Identifier: LGPL-2.1-or-later
"""A passed-through disk is plugged into a guest of stock QEMU, kept by updates in both modes, and unplugged."""

import pathlib
import re

from lib import qemu
from lib.domain import NVME_TIMEOUT_S, Domain
from lib.outstanding import require_commands_kept
from lib.plugs import PORTS, Plugs, guest_does, start_io, stop_io, wait_in_guest
from lib.trace import NVME_DEVICES
from lib.unprivileged import become_unprivileged, require_unprivileged
from lib.update import TOOL, Update, controller_pid, job, require_each_tick_once, usual_gap_ns

TIMEOUT_S = 600
QEMU_BACKEND = True
TRACE_IO = True
# Slower than the guest asks, so that its requests are outstanding at every moment.
NVME_IOPS = 30
DEPTH = 24
OUTSTANDING = 8
EXEC_EMULATOR = pathlib.Path("/usr/bin/virt-cpr-exec-qemu")
HOSTDEV = Domain.hostdev_xml(NVME_DEVICES[0])


def plug(guest):
    """The disk, at work."""
    Plugs(guest).attach("hostdev", HOSTDEV)
    wait_in_guest(guest, "/dev/nvme0n1")
    start_io(guest, "nvme0n1", "io", DEPTH)
    guest.wait_for_io(50)


def unplug(guest):
    """The guest lets go of it."""
    stop_io(guest, "io")
    Plugs(guest).detach("hostdev", HOSTDEV)
    guest_does(guest, "test ! -e /dev/nvme0n1")


def require_held(guest):
    """The process that libvirt knows has the disk as well, so that the host could not have it back: it
    is not taken from the guest either."""
    l1 = guest.l1
    refused = l1.run("virsh", "detach-device", guest.name, l1.share / "hostdev.xml", "--live", check=False)
    l1.require(refused.returncode != 0 and "has left in an update has it open" in refused.stderr,
               f"detaching it was not refused: {refused.stderr}")
    guest.wait_for_io(50)


def raise_limit(guest):
    """libvirt has raised the limit of QEMU's process for the device, and can know of no other. An
    update is refused until what it says has been done."""
    l1 = guest.l1
    require_unprivileged(l1, controller_pid(l1))
    l1.run(TOOL, guest.name, qemu.NEXT_QEMU, check=False, timeout=90)
    last = job(guest)
    l1.require([blocker["id"] for blocker in last["blockers"]] == ["memlock-too-low"],
               f"the update was not refused for its limit: {last}")
    remedy = re.search(r"\((prlimit [^)]+)\)", last["blockers"][0]["remedy"]).group(1)
    l1.run(*remedy.split())


def update_with_disk(guest, binary, mode, usual_gap):
    """The disk is neither reset nor loses anything."""
    l1 = guest.l1
    update = Update(guest, str(binary))
    l1.require(update.job["mode"] == mode, f"the mode was {update.job['mode']}")
    guest.wait_for_io(NVME_TIMEOUT_S * NVME_IOPS)
    update.require_device_untouched()
    update.require_pause_seen_outside(usual_gap)
    require_commands_kept(l1, update, OUTSTANDING)


def try_mode(l1, mode, emulator):
    """Plugged, updated, and unplugged where that can be done; then updated, plugged and updated again."""
    guest = Domain(l1, emulator, name=mode, vcpus=2, jobs=["ticker"], devices=(), shared_memory=False,
                   virtio=PORTS)
    guest.start()
    plug(guest)
    usual_gap = usual_gap_ns(guest.console)
    if mode == "transfer":
        raise_limit(guest)
    if mode == "transfer":
        unplug(guest)
        plug(guest)
    update_with_disk(guest, qemu.NEXT_QEMU, mode, usual_gap)
    if mode == "transfer":
        require_held(guest)
    else:
        unplug(guest)
        Update(guest, str(qemu.STOCK_QEMU))
        guest_does(guest, "test ! -e /dev/nvme0n1")
        plug(guest)
        update_with_disk(guest, qemu.NEXT_QEMU, mode, usual_gap)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("destroy")


def run(l1):
    """In mode exec as root's; in mode transfer as another user's, whose limits are its own."""
    qemu.set_up(l1)
    qemu.add_emulator(l1, EXEC_EMULATOR, qemu.STOCK_QEMU, mode="exec")
    try_mode(l1, "exec", EXEC_EMULATOR)
    become_unprivileged(l1)
    try_mode(l1, "transfer", qemu.EMULATOR)
