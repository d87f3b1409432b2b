# SPDX-License-Identifier: LGPL-2.1-or-later
"""All servers of a compute host of Nova's are updated: one is refused, one rolled back, the service is as before."""

import pathlib
import shutil
import threading

from lib import qemu, services
from lib.cloud import Cloud
from lib.l1 import FILES
from lib.nova_agent import Agent
from lib.server import power_state_warnings
from lib.update import require_each_tick_once

TIMEOUT_S = 900
STOCK_QEMU = True
IN_CONTAINER = True
OPENSTACK = True
BY_HAND = True

REFUSED, ROLLED_BACK = "backed-up", "with-watchdog"
PLAIN = ("web-1", "web-2", "web-3")
EXPECTED = {**{name: "updated" for name in PLAIN}, REFUSED: "refused", ROLLED_BACK: "rolled-back"}


class ServiceWatch(threading.Thread):
    """Notes each state of the compute service while it runs."""

    def __init__(self, cloud):
        super().__init__()
        self.cloud, self.over, self.seen = cloud, threading.Event(), []
        self.start()

    def run(self):
        while not self.over.wait(0.5):
            state = self.cloud.service_is()
            if self.seen[-1:] != [state]:
                self.seen.append(state)

    def stop(self):
        """What it has seen."""
        self.over.set()
        self.join()
        return self.seen


def sweep(cloud, agent, *options):
    """`openstack compute vmm update`: result and details of each server, and the states of the service."""
    watch = ServiceWatch(cloud)
    rows = cloud.table("compute", "vmm", "update", "--wait", *options, services.HOST_NAME, check=False, timeout=240)
    seen = watch.stop()
    cloud.l1.require(agent.running(), "the agent has ended")
    return {row["Name"]: row["Result"] for row in rows}, {row["Name"]: row["Details"] for row in rows}, seen


def require_swept(cloud, results, details):
    """As it was to be, with reasons."""
    l1 = cloud.l1
    l1.require(results == EXPECTED, f"the results are {results}")
    l1.require("qemu-disk-exported" in details[REFUSED], f"no blocker is told: {details}")
    l1.require(details[ROLLED_BACK], "no reason is told")


def run(l1):
    """Five servers, two at a time; then again, with the service disabled by somebody else."""
    cloud = Cloud(l1)
    servers = {name: cloud.boot(name, "watchdog" if name == ROLLED_BACK else "", ready=False) for name in EXPECTED}
    for server in servers.values():
        server.wait_until_ready()
    # as a backup that is being pulled out of a guest has it
    servers[REFUSED].qmp("nbd-server-start", addr={"type": "unix", "data": {"path": "/tmp/nbd"}})
    # which has no place for the state of a device that only one of them has
    cloud.upgrade(shutil.copy(FILES / "impostor", pathlib.Path("/run/qemu-lacks-watchdog")))
    agent = Agent(l1).start()
    seen = len(cloud.compute_log())

    results, details, states = sweep(cloud, agent, "--parallel", "2")
    require_swept(cloud, results, details)
    job, = agent.jobs()
    reason = f"VMM update in place by libvirt-cpr (job {job['id']})"
    l1.require(states == [("enabled", None), ("disabled", reason), ("enabled", None)] or
               states == [("disabled", reason), ("enabled", None)], f"the compute service was {states}")
    for name, server in servers.items():
        server.require_untouched()
        l1.require(server.generation() == (1 if EXPECTED[name] == "updated" else 0), f"{name} was touched twice")
        server.wait_for_io(20, job="io-vda")
        require_each_tick_once(l1, server.console)
        server.require_no_complaints()
        metadata = server.show()["metadata"]
        l1.require(metadata.get("libvirt_cpr_result") == EXPECTED[name], f"{name} has kept {metadata}")
    found = power_state_warnings(cloud.compute_log()[seen:])
    l1.require(not found, f"nova-compute has noticed: {found[:3]}")

    cloud.openstack("compute", "service", "set", "--disable", "--disable-reason", "new disks", services.HOST_NAME,
                    "nova-compute")
    cloud.upgrade(qemu.NEXT_QEMU)
    servers[REFUSED].qmp("nbd-server-stop")
    results, _, states = sweep(cloud, agent)
    l1.require(set(results.values()) == {"updated"}, f"the results are {results}")
    l1.require(set(states) == {("disabled", "new disks")}, f"the compute service was {states}")
    for server in servers.values():
        server.require_untouched()
    l1.report(f"{len(PLAIN)} updated, one refused, one rolled back; then all")
