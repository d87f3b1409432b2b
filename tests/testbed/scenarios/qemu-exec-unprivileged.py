# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of another user than root is updated in its process, and brought back in one that libvirt does not know."""

import os
import pathlib
import signal

from lib import qemu
from lib.domain import Domain
from lib.echo import Echo
from lib.process import processes_named
from lib.unprivileged import become_unprivileged, require_unprivileged
from lib.update import TOOL, Update, controller_pid, job, require_each_tick_once, require_nothing_left

TIMEOUT_S = 400
QEMU_BACKEND = True
IN_CONTAINER = True

LOG = pathlib.Path("/var/log/libvirt/qemu/guest.log")
CHANNEL = "/run/channel.sock"
DEVICES = [f"""<channel type='unix'><source mode='bind' path='{CHANNEL}'/>
      <target type='virtio' name='org.example.0'/></channel>"""]
ECHO = ("port=$(basename $(dirname $(grep -l org.example.0 /sys/class/virtio-ports/*/name))); "
        "(cat <>/dev/$port >&0 2>/dev/null &)")


def attempts_that_failed():
    """To bring a guest back: there are several, and the first has to do."""
    return LOG.read_text(errors="replace").count("the old QEMU has failed on the guest")


def brought_back(guest, name):
    """The new QEMU fails. Returns the process that has the guest now."""
    l1 = guest.l1
    known = guest.pid()
    seen = attempts_that_failed()
    last = qemu.failed_update(guest, name)
    l1.require(attempts_that_failed() == seen, "the old QEMU failed on the guest")
    l1.require(last["domain-pid"] == known and last.get("vmm-pid", known) != known,
               f"the guest was not brought back in another process: {last}")
    require_unprivileged(l1, last["vmm-pid"])
    return last["vmm-pid"]


def update_there(guest, binary, stray):
    """An update in that process."""
    l1 = guest.l1
    l1.run(TOOL, guest.name, binary, timeout=90)
    last = job(guest)
    l1.require((last["status"], last["mode"], last["vmm-pid"]) == ("completed", "exec", stray),
               f"it was not updated where it is: {last}")


def require_works(guest):
    """What libvirt does with a domain reaches the guest."""
    l1 = guest.l1
    guest.virsh("suspend")
    l1.require(guest.state() == "paused", f"the domain is '{guest.state()}'")
    guest.virsh("resume")
    guest.wait_for_io(20, job="io-vda")


def require_no_qemu(l1):
    """Of any file."""
    def left():
        return [pid for binary in (qemu.STOCK_QEMU, qemu.NEXT_QEMU) for pid in processes_named(binary.name)]
    l1.wait_until(lambda: not left(), 15, "all QEMUs to end")
    require_nothing_left(l1)


def run(l1):
    """Brought back twice, updated from there, destroyed; and with the controller killed."""
    qemu.set_up(l1, mode="exec")
    become_unprivileged(l1)
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda", "ticker"], devices=(), shared_memory=False,
                   virtio=[qemu.disk(l1, "vda"), *DEVICES])
    guest.start()
    guest.wait_for_io(20, job="io-vda")
    guest.console.command(ECHO)
    user = Echo.at_socket("channel", CHANNEL)
    for pid in (guest.pid(), controller_pid(l1)):
        require_unprivileged(l1, pid)
    update = Update(guest, str(qemu.NEXT_QEMU))
    l1.require(update.job["mode"] == "exec" and "vmm-pid" not in update.job, f"it was not in place: {update.job}")
    for name in ("ends", "lacks-disk"):
        stray = brought_back(guest, name)
        require_works(guest)
        user.require_running(l1)
    for binary in (qemu.STOCK_QEMU, qemu.NEXT_QEMU):
        update_there(guest, binary, stray)
        require_works(guest)
        user.require_running(l1)
    user.stop(l1)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("destroy")
    require_no_qemu(l1)

    guest.start()
    guest.wait_for_io(20, job="io-vda")
    stray = brought_back(guest, "lacks-serial")
    l1.require(pathlib.Path(f"/proc/{stray}").exists(), "the guest's process is not there")
    os.kill(controller_pid(l1), signal.SIGKILL)
    guest.wait_for_state("shut off")
    require_no_qemu(l1)
