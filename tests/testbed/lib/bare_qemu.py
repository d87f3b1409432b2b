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


class BareQemu:
    """A guest of its own, as much as can be like those that Domain makes. Ends with the scenario."""

    def __init__(self, l1, program, load, devices, vcpus, memory_mib):
        """`load` is the guest's (bench.Load); `devices` are arguments of QEMU's."""
        self.l1 = l1
        self.load = load
        self.log = pathlib.Path("/tmp/bare-console.log")
        self.log.write_text("", encoding="utf-8")
        self.number = 0
        cpu = ("kvm", "host") if l1.has_kvm else ("tcg", "max")
        self.arguments = [
            str(program), "-name", "bare", "-accel", cpu[0], "-cpu", cpu[1],
            "-machine", "q35,usb=off,memory-backend=ram,aux-ram-share=on",
            "-object", f"memory-backend-memfd,id=ram,size={memory_mib}M,share=on",
            "-m", f"{memory_mib}M", "-smp", str(vcpus), "-nodefaults", "-no-user-config",
            "-display", "none", "-rtc", "base=utc", *load.qemu_arguments(),
            "-device", "pcie-root-port,id=port1,chassis=1,addr=1", *devices,
            "-chardev", f"file,id=serial,path={self.log},append=on",
            "-device", "isa-serial,chardev=serial", "-device", "pvpanic"]
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
        began = time.monotonic_ns()
        socket = {"transport": "socket", "type": "unix"}
        self.process = subprocess.Popen(
            self.arguments + self.monitor() + ["-incoming", "defer", "-incoming", json.dumps(
                {"channel-type": "cpr", "addr": {**socket, "path": channel}})],
            stdin=subprocess.DEVNULL)
        while not pathlib.Path(channel).exists():
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
        resumed = self.qmp.arrival("RESUME")
        stopped = old.arrival("STOP")
        old.arrival("MIGRATION", status="completed")
        old.call("quit")
        old_process.wait()
        return self.measured(began, stopped, resumed)

    def exec(self):
        """In the same process."""
        old = self.qmp
        self.number += 1
        state = self.path("state")
        began = time.monotonic_ns()
        old.call("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
        old.call("migrate-set-parameters", mode="cpr-exec", **{
            "cpr-exec-command": self.arguments + self.monitor() + ["-incoming", "defer"]})
        old.call("migrate", uri=f"file:{state}")
        self.qmp = QmpClient(self.path("monitor"), MONITOR_S)
        self.qmp.call("migrate-incoming", uri=f"file:{state}")
        resumed = self.qmp.arrival("RESUME")
        stopped = old.arrival("STOP")
        old.close()
        return self.measured(began, stopped, resumed)
