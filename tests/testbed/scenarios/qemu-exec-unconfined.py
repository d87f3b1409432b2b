# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest that libvirt starts without a sandbox is updated in its process, and brought back."""

import pathlib

from lib import qemu
from lib.domain import Domain
from lib.process import status_of
from lib.unprivileged import CONFIG
from lib.update import Update, require_each_tick_once

TIMEOUT_S = 400
QEMU_BACKEND = True
IN_CONTAINER = True
QUEUES = 2


def leave_out_sandbox(l1):
    """As an operator may say in qemu.conf."""
    with open(CONFIG, "a", encoding="utf-8") as config:
        config.write("seccomp_sandbox = 0\n")
    l1.restart_libvirt()


def require_unconfined(guest):
    """Neither by QEMU's filter nor by one of ours."""
    status = status_of(pathlib.Path(f"/proc/{guest.vmm_pid()}"))
    guest.l1.require(status["Seccomp_filters"] == own_filters(), f"QEMU is confined: {status['Seccomp_filters']}")


def own_filters():
    """A container's may hold for all."""
    return status_of(pathlib.Path("/proc/self"))["Seccomp_filters"]


def run(l1):
    """An update, each failure with an update after it; the network's queues as they were."""
    qemu.set_up(l1, mode="exec")
    leave_out_sandbox(l1)
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda", "ticker"], devices=(), shared_memory=False,
                   virtio=[qemu.disk(l1, "vda"), qemu.network(l1, queues=QUEUES)])
    guest.start()
    qemu.set_up_network(guest)
    guest.wait_for_io(50, job="io-vda")
    require_unconfined(guest)
    pid = guest.pid()
    for name in ("ends", "lacks-disk", "lacks-serial"):
        update = Update(guest, str(qemu.NEXT_QEMU))
        l1.require(update.job["mode"] == "exec" and "vmm-pid" not in update.job, f"it was not in place: {update.job}")
        last = qemu.failed_update(guest, name)
        l1.require("vmm-pid" not in last and guest.pid() == pid, f"the process is another: {last}")
        require_unconfined(guest)
        qemu.pinged_update(guest, qemu.STOCK_QEMU, QUEUES)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("destroy")
