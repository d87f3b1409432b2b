# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's daemon is restarted before, during and after an update; the domain stays."""

import os
import signal
import subprocess
import time

from lib.domain import EMULATOR, Domain
from lib.process import start_time
from lib.update import (NEXT_VMM, TOOL, VMM, Update, controller_pid, job, require_each_tick_once)

TIMEOUT_S = 400


def require_works(l1, guest, identity, threads_known=True):
    """virsh works on the domain, which is the same process as ever, and its guest goes on.
    `threads_known`: the daemon was started after the last switch; it looks for the vCPUs' threads,
    which are new ones, only then."""
    pid, began = identity
    l1.require(guest.state() == "running", f"the domain is '{guest.state()}'")
    l1.require(guest.pid() == pid and start_time(pid) == began, "the domain's process changed")
    if threads_known:
        guest.virsh("vcpuinfo")
    guest.virsh("domstats")
    guest.virsh("suspend")
    guest.virsh("resume")
    guest.wait_for_io(20)


def wait_for_job(l1, guest, generation):
    """The update that nobody could follow has completed all the same."""
    def ended():
        current = job(guest)
        return None if current["status"] == "running" else current
    last = l1.wait_until(ended, 60, "the update to end")
    l1.log(f"job: {last}")
    l1.require(last["status"] == "completed", f"the update ended as {last['status']}: {last}")
    l1.require(last["generation"] == generation, f"generation {last['generation']}")
    return last


def kill_daemon(l1):
    """The daemon goes at once, as in a crash. Returns when that was."""
    pid = l1.libvirt_pid()
    when = time.monotonic_ns()
    os.kill(pid, signal.SIGKILL)
    l1.wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 10, "libvirtd to end")
    return when


def restart_within_update(l1, guest, binary):
    """The daemon is lost while an update runs, and reconnects while the same update still runs: the
    controller is held up meanwhile, so that both are under way when it goes on."""
    generation = job(guest)["generation"] + 1
    controller = controller_pid(l1)
    guest.qmp("update-in-place", binary=binary)
    os.kill(controller, signal.SIGSTOP)
    try:
        killed = kill_daemon(l1)
        l1.run("libvirtd", "-d")
        time.sleep(2)
    finally:
        os.kill(controller, signal.SIGCONT)
    l1.wait_for_libvirt()
    last = wait_for_job(l1, guest, generation)
    begin, end = last["phases"][0]["begin-ns"], last["phases"][-1]["end-ns"]
    l1.require(begin < killed < end, "the update was over before the daemon went")


def restart_under_tool(l1, guest, binary):
    """The daemon is restarted while the tool follows an update, and the tool follows it to its end."""
    generation = job(guest)["generation"] + 1
    with subprocess.Popen([TOOL, "--verbose", guest.name, binary], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as tool:
        output = b""
        while b"validate" not in output:
            piece = os.read(tool.stdout.fileno(), 4096)
            l1.require(piece, f"{TOOL} ended before the update began: {output}")
            output += piece
        kill_daemon(l1)
        l1.run("libvirtd", "-d")
        output += tool.communicate(timeout=60 * l1.slow)[0]
        l1.log(f"{TOOL} ended with {tool.returncode}: {output}")
    l1.wait_for_libvirt()
    wait_for_job(l1, guest, generation)
    l1.require(tool.returncode == 0, f"{TOOL} did not come through the restart: {output}")


def run(l1):
    """Before, during (twice), after."""
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io", "ticker"])
    guest.start()
    guest.wait_for_io(50)
    identity = guest.pid(), start_time(guest.pid())

    l1.restart_libvirt()
    Update(guest, NEXT_VMM)
    require_works(l1, guest, identity, threads_known=False)

    restart_within_update(l1, guest, VMM)
    require_works(l1, guest, identity)
    restart_under_tool(l1, guest, NEXT_VMM)
    require_works(l1, guest, identity)

    Update(guest, VMM)
    l1.restart_libvirt()
    require_works(l1, guest, identity)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
