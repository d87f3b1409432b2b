# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nova's agent is killed at each step, and all around it fails: nothing stays locked or disabled, or is done twice."""

import pathlib
import shutil
import subprocess
import threading

from lib import qemu, services
from lib.cloud import Cloud
from lib.l1 import FILES
from lib.nova_agent import Agent

TIMEOUT_S = 2400
SHORT_TIMEOUT_S = 900
STOCK_QEMU = True
IN_CONTAINER = True
OPENSTACK = True
BY_HAND = True

# So that a token that is worth nothing any more is refused at once.
SETTINGS = """[keystone_authtoken]
token_cache_time = -1
"""
# The journal is written by a rename, and what a step does lies between two of them; in the short form only some are
# tried.
MOMENTS = ("before", "after")
SHORT_STRIDE = 4
# More than there are in any job.
MOST_STEPS = 60
SLOW_QEMU = pathlib.Path("/run/qemu-slow")
LOCK = (True, "maintenance")
# An administrator of another project than the server's.
SOMEBODY = ("--os-username", "nova", "--os-project-name", "service")


def require_as_before(cloud, server, locked=(False, None), service=("enabled", None)):
    """Nothing is left of the job."""
    server.require_untouched(locked)
    cloud.l1.require(cloud.service_is() == service, f"the compute service is {cloud.service_is()}")
    server.wait_for_io(5, job="io-vda")


class Killed:
    """A sweep by an agent that is killed at one place, and what the next agent makes of it."""

    def __init__(self, cloud, server, moment, number):
        self.cloud, self.server, self.l1 = cloud, server, cloud.l1
        self.where = f"{moment} write {number}"
        before = server.generation()
        shutil.rmtree(Agent(self.l1).state, ignore_errors=True)
        agent = Agent(self.l1)
        agent.start(program=["python3", FILES / "lib/killed_agent.py", moment, str(number)])
        self.ask()
        self.survived = self.wait_for_end(agent)
        if self.survived:
            agent.stop()
        else:
            agent.start()
        last = agent.wait_until_ended() if agent.jobs() else {"status": "unknown to the agent"}
        agent.kill()
        touched = server.generation() - before
        self.l1.log(f"{self.where}: {'survived' if self.survived else 'killed'}, {last['status']}, updates: {touched}")
        require_as_before(cloud, server)
        self.l1.require(touched in ((1,) if self.survived else (0, 1)), f"{self.where}: {touched} updates")

    def ask(self):
        """The request; the agent may be killed before it has answered."""
        subprocess.run(["openstack", "compute", "vmm", "update", "--force", services.HOST_NAME], check=False,
                       capture_output=True, timeout=120 * self.l1.slow)

    def wait_for_end(self, agent):
        """Whether the job has ended before the agent."""
        def over():
            return not agent.running() or (agent.jobs() and all(job["finished_at"] for job in agent.jobs()))
        self.l1.wait_until(over, 90, "the agent or its job to end")
        return agent.running()


def killed_at_each_step(cloud, server):
    """Every place, until the job ends first."""
    stride = SHORT_STRIDE if cloud.l1.short else 1
    for moment in MOMENTS:
        deaths = 0
        for number in range(1, MOST_STEPS, stride):
            if Killed(cloud, server, moment, number).survived:
                break
            deaths += 1
        else:
            cloud.l1.require(False, f"the agent was killed {moment} each of {MOST_STEPS} writes")
        cloud.l1.require(deaths >= 2, f"the agent was killed only {deaths} times")
        cloud.l1.report(f"the agent was killed {deaths} times, {moment} it wrote to its journal")


def update(cloud, server):
    """`openstack server vmm update --wait`: result and details."""
    row, = cloud.table("server", "vmm", "update", "--force", "--wait", server.title, check=False, timeout=200)
    return row["Result"], row["Details"]


class Background(threading.Thread):
    """Such an update, while something else happens."""

    def __init__(self, cloud, server):
        super().__init__()
        self.cloud, self.server, self.result, self.problem = cloud, server, None, None
        self.start()

    def run(self):
        try:
            self.result = update(self.cloud, self.server)
        except Exception as error:  # pylint: disable=broad-except
            self.problem = error

    def end(self):
        """What it came to."""
        self.join()
        self.cloud.l1.require(self.problem is None, f"the command failed: {self.problem}")
        return self.result


def during_update(cloud, server, agent, meanwhile):
    """What an update comes to in the course of which something happens."""
    running = Background(cloud, server)
    agent.wait_for_step("updating")
    meanwhile()
    return running.end()


def lock_as_somebody(cloud, server):
    """From outside the server's project: a lock from inside is dropped by Nova while the server is locked already."""
    cloud.openstack(*SOMEBODY, "server", "lock", "--reason", LOCK[1], server.id)


def locked_by_somebody(cloud, server, agent):
    """A lock of somebody else's keeps the server from being updated, and stays, also if it comes meanwhile."""
    l1, before = cloud.l1, server.generation()
    lock_as_somebody(cloud, server)
    result, details = update(cloud, server)
    l1.require(result == "skipped" and LOCK[1] in details, f"a locked server: {result}, {details}")
    require_as_before(cloud, server, LOCK)
    l1.require(server.generation() == before, "a locked server was updated")
    cloud.openstack("server", "unlock", server.title)
    result, _ = during_update(cloud, server, agent, lambda: lock_as_somebody(cloud, server))
    l1.require(result == "updated", f"locked by somebody else meanwhile: {result}")
    require_as_before(cloud, server, LOCK)
    cloud.openstack("server", "unlock", server.title)


def ask(agent, server, action="update"):
    """A request to an agent, past the `openstack` command, which needs Nova."""
    body = {"job": {"action": action, "server_id": server.id, "force": True}}
    answer = server.cloud.connection.session.post(f"http://{services.ADDRESS}:{agent.port}/v1/jobs", json=body)
    agent.l1.require(answer.status_code == 202, f"{agent.name} does not take requests: {answer.text}")
    return agent.wait_until_ended()


def api_down(cloud, server, agent):
    """Nova's API is not there, before and during an update."""
    l1, before = cloud.l1, server.generation()
    last = ask(agent, server, "check")
    l1.require(last["instances"][0]["result"] == "possible", f"the check came to {last}")
    cloud.stop("nova-api")
    last = ask(agent, server)
    l1.require(last["status"] == "failed" and last["instances"][0]["result"] == "failed", f"without the API: {last}")
    cloud.start("nova-api")
    require_as_before(cloud, server)
    l1.require(server.generation() == before, "updated without a lock")

    def bounce():
        cloud.stop("nova-api")
        l1.sleep(15)
        cloud.start("nova-api")
    result, _ = during_update(cloud, server, agent, bounce)
    l1.require(result == "updated", f"the API was down meanwhile: {result}")
    require_as_before(cloud, server)


def token_worthless(cloud, server, agent):
    """All tokens are worth nothing any more, in the middle of an update."""
    def new_keys():
        shutil.rmtree("/etc/keystone/fernet-keys")
        cloud.l1.run("keystone-manage", "fernet_setup", "--keystone-user", "keystone", "--keystone-group", "keystone")
        cloud.restart("keystone")
    result, _ = during_update(cloud, server, agent, new_keys)
    cloud.connection = cloud.connect()
    cloud.l1.require(result == "updated", f"the token was worthless: {result}")
    require_as_before(cloud, server)


def two_agents(cloud, server, agent):
    """A second agent does not start on the same state; one with another state leaves a locked server alone."""
    l1 = cloud.l1
    second = Agent(l1, "second", port=agent.port + 1)
    second.start(ready=False)
    l1.require(second.process.wait(60 * l1.slow) != 0, "a second agent has started")
    said = (l1.share / "second.out").read_text(encoding="utf-8")
    l1.require("another agent has" in said, f"it does not say why: {said}")
    third = Agent(l1, "third", port=agent.port + 2, state="/var/lib/libvirt-cpr-nova-third").start()
    before = server.generation()

    def ask_third():
        last = ask(third, server)
        l1.require(last["instances"][0]["result"] == "skipped", f"both have updated: {last}")
    result, _ = during_update(cloud, server, agent, ask_third)
    l1.require(result == "updated" and server.generation() == before + 1, f"two agents: {result}")
    require_as_before(cloud, server)
    third.stop()


def deleted_meanwhile(cloud, server, agent):
    """The server is deleted in the middle of its update."""
    result, details = during_update(cloud, server, agent, server.delete)
    cloud.l1.require(result in ("unknown", "failed", "updated", "rolled-back"), f"deleted: {result}, {details}")
    last = agent.wait_until_ended()
    cloud.l1.require(last["instances"][0]["step"] == "done", f"the job goes on: {last}")
    cloud.l1.require(agent.running(), "the agent has ended")
    cloud.l1.require(cloud.service_is() == ("enabled", None), "the service is not enabled")


def run(l1):
    """One server for all that it lives through, and one that is deleted."""
    cloud = Cloud(l1, SETTINGS)
    server = cloud.boot("web")
    cloud.upgrade(qemu.NEXT_QEMU)
    killed_at_each_step(cloud, server)
    # so that there is time in the middle of an update
    cloud.upgrade(shutil.copy(FILES / "impostor", SLOW_QEMU))
    agent = Agent(l1).start()
    for trial in (locked_by_somebody, api_down, token_worthless, two_agents):
        l1.log(f"---- {trial.__doc__}")
        trial(cloud, server, agent)
    deleted_meanwhile(cloud, cloud.boot("short-lived"), agent)
    require_as_before(cloud, server)
