# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of stock QEMU is updated in the process that libvirt knows, and brought back in the way of failures."""

import pathlib

from lib import qemu
from lib.domain import Domain
from lib.echo import Echo
from lib.libvirt_view import LibvirtView
from lib.process import start_time, status_of
from lib.update import TOOL, Update, job, require_each_tick_once, usual_gap_ns

TIMEOUT_S = 400
QEMU_BACKEND = True
IN_CONTAINER = True
QUEUES = 2

CHANNEL = "/run/channel.sock"
DEVICES = [f"""<channel type='unix'><source mode='bind' path='{CHANNEL}'/>
      <target type='virtio' name='org.example.0'/></channel>"""]
ECHO = ("port=$(basename $(dirname $(grep -l org.example.0 /sys/class/virtio-ports/*/name))); "
        "(cat <>/dev/$port >&0 2>/dev/null &)")
# The vCPUs' threads are others; libvirt asks for them when its daemon starts.
STALE = ("vcpuinfo",)
# What a new QEMU may do wrong once the guest has been saved; each ends on the old one.
FAILURES = ("ends", "lacks-disk", "lacks-serial")


def require_same_process(guest, pid, began):
    """libvirt's process has the guest: nothing that it shows of it stands still."""
    l1 = guest.l1
    l1.require(guest.pid() == pid and start_time(pid) == began, "libvirt's process is another")
    l1.require("vmm-pid" not in job(guest), "the guest is in another process")
    first = float(guest.virsh("domstats", "--cpu-total").split("cpu.time=")[1].split()[0])
    guest.wait_for_io(20, job="io-vda")
    second = float(guest.virsh("domstats", "--cpu-total").split("cpu.time=")[1].split()[0])
    l1.require(second > first, "the CPU time stands still")


def require_confined(guest):
    """By the filter that asks, and by QEMU's own."""
    status = status_of(pathlib.Path(f"/proc/{guest.vmm_pid()}"))
    guest.l1.require(status["Seccomp"] == "2" and int(status["Seccomp_filters"]) >= 2 and
                     status["NoNewPrivs"] == "1", f"QEMU is not confined: {status}")


def require_transfer_to_be_final(guest):
    """Another process starts as libvirt wanted it: it can execute nothing."""
    l1 = guest.l1
    update = Update(guest, str(qemu.NEXT_QEMU), command=(TOOL, "--mode", "transfer"))
    l1.require(update.job["mode"] == "transfer", f"the mode was {update.job['mode']}")
    arguments = pathlib.Path(f"/proc/{guest.vmm_pid()}/cmdline").read_text(encoding="utf-8")
    l1.require("spawn=deny" in arguments, "QEMU may start processes after the transfer")
    guest.wait_for_io(20, job="io-vda")
    l1.run(TOOL, "--mode", "exec", guest.name, qemu.STOCK_QEMU, check=False, timeout=90)
    error = job(guest)["error"]
    l1.require("set mode=exec in emulators.conf" in error["desc"], f"it failed for {error}")


def run(l1):
    """Updates, failures, updates; then all that libvirt does with a domain."""
    qemu.set_up(l1, mode="exec")
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda", "ticker"], devices=(),
                   shared_memory=False,
                   virtio=[qemu.disk(l1, "vda"), qemu.network(l1, queues=QUEUES), *DEVICES])
    guest.start()
    qemu.set_up_network(guest)
    guest.console.command(ECHO)
    user = Echo.at_socket("channel", CHANNEL)
    guest.wait_for_io(50, job="io-vda")
    usual_gap = usual_gap_ns(guest.console)
    require_confined(guest)
    arguments = pathlib.Path(f"/proc/{guest.pid()}/cmdline").read_text(encoding="utf-8")
    l1.require("spawn=allow" in arguments, "QEMU's own filter denies the execution")
    job(guest)  # the first command of ours is noted in `dominfo` (custom-monitor)
    view = LibvirtView(guest, but=STALE)
    pid, began = guest.pid(), start_time(guest.pid())
    for binary in (qemu.NEXT_QEMU, qemu.STOCK_QEMU, qemu.NEXT_QEMU):
        update = Update(guest, str(binary))
        l1.require(update.job["mode"] == "exec", f"the mode was {update.job['mode']}")
        l1.report(f"pause {update.describe_pause()}")
        guest.wait_for_io(50, job="io-vda")
        update.require_pause_seen_outside(usual_gap)
        user.require_running(l1)
        LibvirtView(guest, but=STALE).require_same_as(view)
        require_same_process(guest, pid, began)
        require_confined(guest)
    l1.restart_libvirt()
    # it asks for the threads in the background
    l1.wait_until(lambda: "CPU time:" in guest.virsh("vcpuinfo", check=False), 30,
                  "a new daemon to show the vCPUs")
    qemu.pinged_update(guest, qemu.STOCK_QEMU, QUEUES)
    for name in FAILURES:
        qemu.failed_update(guest, name)
        user.require_running(l1)
        require_confined(guest)
        Update(guest, str(qemu.NEXT_QEMU))
        guest.wait_for_io(20, job="io-vda")
        user.require_running(l1)
    require_transfer_to_be_final(guest)
    guest.virsh("suspend")
    l1.run(TOOL, guest.name, qemu.STOCK_QEMU, timeout=90)
    l1.require(job(guest)["status"] == "completed", "a paused guest was not updated")
    l1.require(guest.state() == "paused", f"the guest is {guest.state()}")
    guest.virsh("resume")
    guest.wait_for_io(50, job="io-vda")
    user.stop(l1)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("destroy")
    l1.require(guest.state() == "shut off", "the domain is there after its end")
