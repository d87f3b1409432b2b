# SPDX-License-Identifier: LGPL-2.1-or-later
"""The playbook rolls an update over four hosts, stops where one fails or is lost, and goes on from there."""

import threading

from lib import fleet, qemu
from lib.update import TOOL, job, require_each_tick_once, ticks

TIMEOUT_S = 600
QEMU_BACKEND = True
IN_CONTAINER = True
# Four hosts take minutes; what their answers are made into has unit tests.
BY_HAND = True
TREE_PACKAGES = ["ansible-core", "python3-apt"]

NAMES = ("h1", "h2", "h3", "h4")
OLD, NEW = "1.0", "2.0"
# How often each guest was updated, refused and rolled back.
UNTOUCHED, UPDATED = (0, 0, 0), (1, 0, 0)


class Fleet:
    """The hosts with a guest each, all of them on the old package."""

    def __init__(self, l1):
        self.l1 = l1
        fleet.set_up(l1)
        for version in (OLD, NEW):
            fleet.build_package(l1, version)
        self.hosts = {name: fleet.Host(l1, name, number) for number, name in enumerate(NAMES, 11)}
        for host in self.hosts.values():
            host.wait_until_up()
            host.install(OLD)
        self.guests = {name: host.guest(f"g-{name}") for name, host in self.hosts.items()}
        for guest in self.guests.values():
            guest.console.wait_for(r"^GUEST READY", 120)
        self.playbook = fleet.Playbook(l1, self.hosts.values(), self.hosts["h4"])

    def state(self):
        """Of each host the version of its package, and what came of its guest's updates."""
        return {name: (host.package_version(), host.updates(self.guests[name]))
                for name, host in self.hosts.items()}

    def require(self, done):
        """Hosts that are done have the new package and an updated guest; no other's guest was touched."""
        for name, (version, updates) in self.state().items():
            wanted = UPDATED if name in done else UNTOUCHED
            self.l1.require(updates[:3] == wanted, f"updates of {name}'s guest are {updates[:3]}, not {wanted}")
            self.l1.require(version == NEW or name not in done, f"{name} has {version}")

    def roll_out(self, name, *options, **variables):
        """A roll-out of the new package, after the canary to all hosts at once."""
        variables = {"package": fleet.PACKAGE, "package_version": NEW, "soak": 1, "canary_soak": 1, "ramp": ["100%"],
                     "emulators": {qemu.EMULATOR.name: str(fleet.VENDOR_QEMU)}, "retry_delay": 1, **variables}
        return self.playbook.run(name, *options, **variables)


def stop_at_failing_host(l1, hosts):
    """In the order canary h4, h1, h2, h3: the guest of h2 must not be updated, and nothing is begun after it."""
    hosts.hosts["h2"].run(TOOL, "--set-policy", "allowed=no", hosts.guests["h2"].name)
    result = hosts.roll_out("first", ramp=[1])
    hosts.playbook.require_stopped(result, "stops at h2")
    l1.require("g-h2" in result.stdout and "does not allow" in result.stdout, "no reason was told")
    hosts.require({"h4", "h1"})
    records = hosts.playbook.records("first")
    l1.require({name: record["state"] for name, record in records.items()} ==
               {"h4": "done", "h1": "done", "h2": "failed"}, f"the records are {records}")
    l1.require(records["h4"]["at"] <= records["h1"]["at"], "the canary did not come first")
    l1.require(hosts.hosts["h3"].package_version() == OLD, "h3 was begun")


def stop_at_lost_host(l1, hosts):
    """h1 and h2 are a batch; h1 is done already, and h2 cannot be reached."""
    hosts.hosts["h2"].stop_sshd()
    result = hosts.roll_out("first", ramp=[2])
    hosts.playbook.require_stopped(result, "h2 cannot be reached any more")
    hosts.require({"h4", "h1"})
    l1.require(hosts.hosts["h3"].package_version() == OLD, "h3 was begun")
    hosts.hosts["h2"].start_sshd()


def go_on(l1, hosts):
    """The host is mended. Those that were done are not touched again."""
    hosts.hosts["h2"].run(TOOL, "--set-policy", "default", hosts.guests["h2"].name)
    before, records = hosts.state(), hosts.playbook.records("first")
    result = hosts.roll_out("first")
    hosts.playbook.require_done(result)
    hosts.require(set(NAMES))
    after, recorded = hosts.state(), hosts.playbook.records("first")
    for name in ("h4", "h1"):
        l1.require(before[name] == after[name] and records[name] == recorded[name], f"{name} was touched again")
        l1.require(hosts.playbook.recap(result)[name]["changed"] == 0, f"something was changed on {name}")
    l1.require(all(record["state"] == "done" for record in recorded.values()), f"the records are {recorded}")


def check_only(l1, hosts):
    """Nothing is changed, on the hosts or in records."""
    result = hosts.roll_out("trial", "--check")
    hosts.playbook.require_done(result)
    hosts.require(set())
    l1.require(all(host.package_version() == OLD for host in hosts.hosts.values()), "a package was installed")
    l1.require(not hosts.playbook.records("trial"), "a check was recorded")


def again(l1, hosts):
    """Another roll-out of what is there already changes nothing."""
    before = hosts.state()
    result = hosts.roll_out("second")
    hosts.playbook.require_done(result)
    l1.require(hosts.state() == before, "a guest was updated for nothing")
    changed = {name: counts["changed"] for name, counts in hosts.playbook.recap(result).items()}
    l1.require(set(changed.values()) == {0}, f"things were changed: {changed}")


def require_guests_went_on(l1, hosts):
    """No guest has noticed anything, and all of them still run."""
    for guest in hosts.guests.values():
        count = len(ticks(guest.console))
        l1.wait_until(lambda guest=guest, count=count: len(ticks(guest.console)) > count, 30, f"{guest.name} to go on")
        require_each_tick_once(l1, guest.console)


def stop_at_crashed_guest(l1, hosts):
    """Back to the older package; the canary's guest crashes after its update, as if the VMM were no good."""
    host, guest = hosts.hosts["h4"], hosts.guests["h4"]

    def crash():
        l1.wait_until(lambda: job(guest)["generation"] == 2, 120, "the canary's update")
        host.run("kill", "-KILL", job(guest)["vmm-pid"])

    killer = threading.Thread(target=crash)
    killer.start()
    result = hosts.roll_out("back", package_version=OLD, canary_soak=10 * l1.slow)
    killer.join()
    hosts.playbook.require_stopped(result, "do not run now: g-h4 (shut off, crashed)")
    records = hosts.playbook.records("back")
    l1.require(list(records) == ["h4"] and records["h4"]["state"] == "failed", f"the records are {records}")
    versions = {name: host.package_version() for name, host in hosts.hosts.items()}
    l1.require(versions == {"h1": NEW, "h2": NEW, "h3": NEW, "h4": OLD}, f"the packages are {versions}")


def run(l1):
    """A trial, a roll-out in three parts, one that has nothing to do, and one that does harm."""
    hosts = Fleet(l1)
    check_only(l1, hosts)
    stop_at_failing_host(l1, hosts)
    stop_at_lost_host(l1, hosts)
    go_on(l1, hosts)
    again(l1, hosts)
    require_guests_went_on(l1, hosts)
    stop_at_crashed_guest(l1, hosts)
