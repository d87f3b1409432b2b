# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nova's own power-state sync, once a second, sees no guest paused or crashed, however long an update pauses it."""

import os
import pathlib
import shutil
import signal
import threading
import time

from lib import qemu
from lib.cloud import Cloud
from lib.l1 import FILES
from lib.nova_agent import Agent
from lib.process import processes_named
from lib.server import PAUSED, QUESTION_PAUSE_S, RUNNING, power_state_warnings
from lib.update import job, require_each_tick_once

TIMEOUT_S = 900
STOCK_QEMU = True
IN_CONTAINER = True
OPENSTACK = True
BY_HAND = True

# The sync is a periodic task of nova-compute's, whose debug log tells of each look at an instance.
SETTINGS = """[DEFAULT]
sync_power_state_interval = 1
debug = true
"""
LOOK = "Triggering sync for uuid {}"
# How long a guest is kept stopped: until Nova has looked so often, and so many seconds.
LEAST_LOOKS = 2
HOLD_S, LONGEST_HOLD_S = 6, 25
DEADLINES_MS = {**qemu.DEADLINES_MS, "save-deadline": 40000, "load-deadline": 40000, "resume-deadline": 40000,
                "longest-stop": 60000}
STOPPED = ("save", "exec", "load", "resume")
TRIES = 8


class Holder(threading.Thread):
    """Stops the new QEMU while the guest is stopped for the hand-over, and lets it go on after a while."""

    def __init__(self, server):
        super().__init__()
        self.server, self.over = server, threading.Event()
        self.known = processes_named(qemu.NEXT_QEMU.name)
        # Nova's meanwhile, and what its API said
        self.looks, self.power_states = None, []
        self.start()

    def run(self):
        while not self.over.is_set():
            now = job(self.server)
            if now["status"] == "running" and now["phase"] in STOPPED:
                self.hold()
                return

    def hold(self):
        """There is one new QEMU, since there is one update at a time."""
        pids = [pid for pid in processes_named(qemu.NEXT_QEMU.name) if pid not in self.known]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        begin, stopped = len(self.server.cloud.compute_log()), time.monotonic()
        while not self.long_enough(begin, time.monotonic() - stopped):
            self.power_states.append(self.server.show()["OS-EXT-STS:power_state"])
            time.sleep(0.5)
        if pids:
            self.looks = self.looks_since(begin)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    def looks_since(self, position):
        """How often Nova has looked at the guest since that place in nova-compute's log."""
        return self.server.cloud.compute_log()[position:].count(LOOK.format(self.server.id))

    def long_enough(self, position, seconds):
        """Whether the guest has been stopped for so long that Nova must have seen it."""
        looked = self.looks_since(position) >= LEAST_LOOKS
        return seconds >= LONGEST_HOLD_S or (looked and seconds >= HOLD_S)

    def stop(self):
        """The update is over; whether it was held."""
        self.over.set()
        self.join()
        return self.looks is not None


def held_update(cloud, server, expected):
    """An update whose pause is held, once it is caught: it is short. Its pause in ms."""
    l1 = cloud.l1
    for _ in range(TRIES):
        holder = Holder(server)
        row, = cloud.table("server", "vmm", "update", "--force", "--wait", server.title, check=False, timeout=200)
        caught = holder.stop()
        l1.require(row["Result"] == expected, f"the update came to {row}")
        server.require_untouched()
        if caught and (row["Pause (ms)"] or 0) > HOLD_S * 1000:
            l1.report(f"{expected}: paused for {row['Pause (ms)']} ms, in which Nova has looked {holder.looks} times")
            l1.require(holder.looks >= LEAST_LOOKS, "Nova has not looked at the guest while it was stopped")
            l1.require(set(holder.power_states) == {RUNNING}, f"the API told of {holder.power_states}")
            return
    l1.require(False, f"no pause was caught in {TRIES} updates")


def require_paused_is_seen(cloud, server):
    """What has seen nothing so far sees a guest that somebody else pauses."""
    l1, seen = cloud.l1, len(cloud.compute_log())

    def told(state):
        l1.wait_until(lambda: server.show()["OS-EXT-STS:power_state"] == state, 30,
                      f"the API to tell of power state {state}", QUESTION_PAUSE_S)
    server.virsh("suspend")
    told(PAUSED)
    l1.wait_until(lambda: any("unexpectedly" in line for line in power_state_warnings(cloud.compute_log()[seen:])), 30,
                  "nova-compute to warn of the pause")
    server.virsh("resume")
    told(RUNNING)


def run(l1):
    """Updates and a rollback, each with a pause of seconds; and a pause that is none of ours."""
    cloud = Cloud(l1, SETTINGS, DEADLINES_MS)
    plain, other = cloud.boot("plain"), cloud.boot("with-watchdog", "watchdog")
    Agent(l1).start()
    seen = len(cloud.compute_log())
    cloud.upgrade(qemu.NEXT_QEMU)
    held_update(cloud, plain, "updated")
    held_update(cloud, plain, "updated")
    cloud.upgrade(shutil.copy(FILES / "impostor", pathlib.Path("/run/qemu-lacks-watchdog")))
    held_update(cloud, other, "rolled-back")
    found = power_state_warnings(cloud.compute_log()[seen:])
    l1.require(not found, f"nova-compute has noticed: {found[:3]}")
    for server in (plain, other):
        server.wait_for_io(20, job="io-vda")
        require_each_tick_once(l1, server.console)
    require_paused_is_seen(cloud, plain)
