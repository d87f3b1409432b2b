# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server of a real Nova's gets another VMM by the `openstack` command, and Nova sees nothing of it."""

from lib import qemu
from lib.cloud import TRAIT, Cloud
from lib.nova_agent import Agent
from lib.server import power_state_warnings
from lib.update import job, require_each_tick_once

TIMEOUT_S = 600
STOCK_QEMU = True
IN_CONTAINER = True
OPENSTACK = True
# It takes the layers with OpenStack, which take minutes to build.
BY_HAND = True


def require_listed(cloud, server, state):
    """`openstack compute vmm list` has the server, in that state."""
    rows = [row for row in cloud.table("compute", "vmm", "list") if row["Server ID"] == server.id]
    cloud.l1.require([row["State"] for row in rows] == [state], f"not listed as {state}: {rows}")
    return rows[0]


def require_recorded(server):
    """The result is kept in the server's metadata."""
    metadata = server.show()["metadata"]
    server.l1.require(metadata.get("libvirt_cpr_result") == "updated", f"not recorded: {metadata}")


def run(l1):
    """Boot by the API, update by the command, look at all sides of it."""
    cloud = Cloud(l1)
    l1.require(TRAIT in cloud.traits(), "the host has no trait")
    server = cloud.boot("web")
    Agent(l1).start()
    require_listed(cloud, server, "current")
    uptime = server.console.command("cat /proc/uptime")
    cloud.upgrade(qemu.NEXT_QEMU)
    require_listed(cloud, server, "outdated")

    seen = len(cloud.compute_log())
    rows = cloud.table("server", "vmm", "update", "--check", "--wait", server.title)
    l1.require(rows[0]["Result"] == "possible" and server.generation() == 0, f"the check tells {rows}")
    rows = cloud.table("server", "vmm", "update", "--wait", server.title)
    l1.require([row["Result"] for row in rows] == ["updated"], f"the update came to {rows}")
    l1.report(f"pause {rows[0]['Pause (ms)']} ms")
    server.require_untouched()
    require_recorded(server)
    last = job(server)
    l1.require(last["status"] == "completed" and last["generation"] == 1 and
               last["new"]["binary"] == str(qemu.NEXT_QEMU), f"not updated: {last}")
    require_listed(cloud, server, "current")
    l1.require(cloud.service_is() == ("enabled", None), "the compute service was disabled")

    server.wait_for_io(100, job="io-vda")
    after = server.console.command("cat /proc/uptime")
    l1.require(float(after[1][0].split()[0]) > float(uptime[1][0].split()[0]), f"the guest was started anew: {after}")
    require_each_tick_once(l1, server.console)
    server.require_no_complaints()
    found = power_state_warnings(cloud.compute_log()[seen:])
    l1.require(not found, f"nova-compute has noticed: {found[:3]}")
    rows = cloud.table("server", "vmm", "update", "--wait", server.title)
    l1.require([row["Result"] for row in rows] == ["current"], f"updated once more: {rows}")
    # Nova can still do with it what it does with any server.
    cloud.openstack("server", "reboot", "--hard", "--wait", server.title)
    server.require_untouched()
    server.delete()
