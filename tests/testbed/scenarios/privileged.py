# SPDX-License-Identifier: LGPL-2.1-or-later
"""vCPUs have limits and a scheduling of their own: root's updates keep them, others are refused."""

import os
import pathlib
import shutil

from lib.domain import EMULATOR, Domain
from lib.update import NEXT_VMM, TOOL, VMM, Update, job

TIMEOUT_S = 300

QUOTA_US = 400000
TUNING = f"""<cputune>
    <period>100000</period><quota>{QUOTA_US}</quota>
    <vcpusched vcpus='1' scheduler='batch'/>
  </cputune>"""
CGROUPS = pathlib.Path("/sys/fs/cgroup")
# L1 has no systemd; a host's restarts the daemon that the unit's name stands for.
SYSTEMCTL = """#!/bin/sh
[ "$*" = "try-restart libvirtd.service virtqemud.service" ] || exit 1
pid=$(cat /run/libvirtd.pid)
kill "$pid"
while [ -e "/proc/$pid" ]; do sleep 0.1; done
exec libvirtd -d
"""


def tune(l1, guest):
    """<cputune> in the domain's XML."""
    path = l1.share / "tuned.xml"
    xml = guest.virsh("dumpxml", "--inactive")
    path.write_text(xml.replace("</vcpu>", f"</vcpu>\n  {TUNING}"), encoding="utf-8")
    l1.virsh("define", path)


def threads(guest):
    """The VMM's vCPU threads by index."""
    return {cpu["cpu-index"]: cpu["thread-id"] for cpu in guest.qmp("query-cpus-fast")}


def require_tuned(guest):
    """Each vCPU's thread is in the group that libvirt has made for it, and has its scheduling."""
    l1 = guest.l1
    for index, thread in threads(guest).items():
        group = pathlib.Path(f"/proc/{thread}/cgroup").read_text(encoding="ascii").strip().split(":", 2)[2]
        l1.require(group.endswith(f"/vcpu{index}"), f"vCPU {index}, thread {thread}, is in group {group}")
        limit = (CGROUPS / group.lstrip("/") / "cpu.max").read_text(encoding="ascii").split()
        l1.require(limit[0] == str(QUOTA_US), f"vCPU {index} may have {limit}")
        wanted = os.SCHED_BATCH if index == 1 else os.SCHED_OTHER
        policy = os.sched_getscheduler(thread)
        l1.require(policy == wanted, f"vCPU {index} has scheduling {policy}, not {wanted}")


def require_refused_without(guest):
    """A client that says nothing of threads cannot place them, whoever it is."""
    l1 = guest.l1
    guest.qmp("update-in-place", binary=NEXT_VMM)
    found = l1.wait_until(lambda: job(guest) if job(guest)["status"] != "running" else None, 60,
                          "the update to end")
    l1.require(found["status"] == "failed" and
               [blocker["id"] for blocker in found["blockers"]] == ["thread-tuning"],
               f"the update was not refused for its threads: {found}")
    l1.log(f"refused: {found['blockers']}")


def restart_daemon(l1, guest):
    """libvirt does not know the new threads, until its daemon is restarted."""
    stale = l1.run("virsh", "vcpuinfo", guest.name, check=False)
    l1.require(stale.returncode != 0, "libvirt knows threads that it has not asked for")
    program = pathlib.Path(shutil.which("systemctl"))
    program.unlink()  # it may be a link
    program.write_text(SYSTEMCTL, encoding="ascii")
    program.chmod(0o755)
    before = l1.libvirt_pid()
    Update(guest, VMM, command=(TOOL, "--restart-daemon"))
    l1.require(l1.libvirt_pid() != before, "the daemon was not restarted")
    guest.virsh("vcpuinfo")
    # What is set now reaches the threads that there are.
    guest.virsh("schedinfo", "--live", "--set", f"vcpu_quota={QUOTA_US}")
    guest.virsh("vcpupin", "0", "0", "--live")


def run(l1):
    """Updates of a guest whose vCPUs libvirt has placed one by one."""
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io"])
    tune(l1, guest)
    guest.start()
    guest.wait_for_io(20)
    require_tuned(guest)
    require_refused_without(guest)
    for binary in (NEXT_VMM, VMM):
        before = threads(guest)
        Update(guest, binary)
        l1.require(not set(before.values()) & set(threads(guest).values()), "no thread is another")
        require_tuned(guest)
    # An update that nobody waits for leaves its threads to whoever asks.
    l1.run(TOOL, guest.name, NEXT_VMM, "--async")
    l1.wait_until(lambda: job(guest)["status"] != "running", 60, "the update to end")
    l1.run(TOOL, guest.name, "--place-threads")
    require_tuned(guest)
    restart_daemon(l1, guest)
    require_tuned(guest)
    guest.wait_for_io(50)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
