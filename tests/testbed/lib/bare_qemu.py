# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stock QEMU without libvirt and without anything of the project's, updated by QMP alone: what its own
CPR takes (QEMU's docs/devel/migration/CPR.rst)."""

import json
import pathlib
import re
import subprocess
import time

from .domain import READY
from .qmp import QmpClient

MONITOR_S = 60


# Options without a value.
ALONE = ("-nodefaults", "-no-shutdown", "-no-user-config")
# What libvirt and the controller give a QEMU of a domain's beside its guest.
NOT_THE_GUESTS = ("-incoming", "-mon", "-name")


def listens(path):
    """Whether somebody listens at the unix socket, which is there a moment before (proc(5): __SO_ACCEPTCON in the flags)."""
    sockets = pathlib.Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()
    return any(line.endswith(f" {path}") and line.split()[3] == "00010000" for line in sockets)


def arguments_of(pid):
    """The command line of a domain's QEMU, of which the guest is left, its serial line in a file: (arguments, file)."""
    log = pathlib.Path("/tmp/bare-console.log")
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").rstrip("\0").split("\0")
    arguments = []
    rest = iter(word for word in words[1:] if word != "-S")
    for option in rest:
        if option in ALONE:
            arguments.append(option)
            continue
        value = next(rest)
        if option == "-chardev" and "charserial0" in value:
            value = f"file,id=charserial0,path={log},append=on"
        elif option == "-sandbox":
            # As a domain has it, but that bare QEMU executes its successor itself.
            value = value.replace("spawn=deny", "spawn=allow")
        elif option in NOT_THE_GUESTS or "charmonitor" in value or "masterKey0" in value:
            continue
        arguments += [option, value]
    return arguments, log


class BareQemu:
    """A QEMU with the guest of a domain that has ended. Ends with the scenario."""

    def __init__(self, l1, program, load, arguments, log):
        """`load` is the guest's (bench.Load); `arguments` and `log` are from arguments_of()."""
        self.l1 = l1
        self.load = load
        self.log = log
        self.log.write_text("", encoding="utf-8")
        self.number = 0
        self.arguments = [str(program), *arguments]
        self.process = subprocess.Popen(
            self.arguments + self.monitor(), stdin=subprocess.DEVNULL)
        l1.on_clean_up(self.end)
        self.qmp = QmpClient(self.path("monitor"), MONITOR_S)
        self.wait_for(READY.lstrip("^"), 90)

    def path(self, name):
        """Of a socket or a file of the present QEMU's."""
        return f"/tmp/bare-{name}-{self.number}"

    def monitor(self):
        """Arguments of the present one's monitor."""
        return ["-qmp", f"unix:{self.path('monitor')},server=on,wait=off"]

    def wait_for(self, pattern, seconds):
        """Text on the console that was not there before."""
        begin = self.log.stat().st_size
        if pattern in READY:
            begin = 0
        self.l1.wait_until(lambda: re.search(pattern.encode(), self.log.read_bytes()[begin:]),
                           seconds, f"'{pattern}' on the console of bare QEMU")

    def end(self):
        """Kill it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def measured(self, began, stopped, resumed):
        """Pause and total, in ms, once the guest works again."""
        self.wait_for(self.load.sign, 30)
        return (resumed - stopped) / 1e6, (resumed - began) / 1e6

    def transfer(self):
        """To a second QEMU beside the first."""
        old, old_process = self.qmp, self.process
        self.number += 1
        channel, main = self.path("cpr"), self.path("main")
        began = time.time_ns()
        socket = {"transport": "socket", "type": "unix"}
        self.process = subprocess.Popen(
            self.arguments + self.monitor() + ["-incoming", "defer", "-incoming", json.dumps(
                {"channel-type": "cpr", "addr": {**socket, "path": channel}})],
            stdin=subprocess.DEVNULL)
        while not listens(channel):
            time.sleep(0.001)
        capabilities = [{"capability": name, "state": True} for name in ("events", "return-path")]
        old.call("migrate-set-capabilities", capabilities=capabilities)
        old.call("migrate-set-parameters", mode="cpr-transfer")
        old.call("migrate", channels=[
            {"channel-type": name, "addr": {**socket, "path": path}}
            for name, path in (("main", main), ("cpr", channel))])
        self.qmp = QmpClient(self.path("monitor"), MONITOR_S)
        self.qmp.call("migrate-set-capabilities", capabilities=capabilities)
        self.qmp.call("migrate-incoming", channels=[
            {"channel-type": "main", "addr": {**socket, "path": main}}])
        resumed = self.qmp.moment("RESUME")
        stopped = old.moment("STOP")
        old.moment("MIGRATION", status="completed")
        old.call("quit")
        old_process.wait()
        return self.measured(began, stopped, resumed)

    def exec(self):
        """In the same process."""
        old = self.qmp
        self.number += 1
        state = self.path("state")
        began = time.time_ns()
        old.call("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
        old.call("migrate-set-parameters", mode="cpr-exec", **{
            "cpr-exec-command": self.arguments + self.monitor() + ["-incoming", "defer"]})
        old.call("migrate", uri=f"file:{state}")
        self.qmp = QmpClient(self.path("monitor"), MONITOR_S)
        self.qmp.call("migrate-incoming", uri=f"file:{state}")
        resumed = self.qmp.moment("RESUME")
        stopped = old.moment("STOP")
        old.close()
        return self.measured(began, stopped, resumed)
