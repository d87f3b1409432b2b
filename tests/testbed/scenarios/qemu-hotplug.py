# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disk, network and channels are plugged into a guest of stock QEMU and unplugged between updates."""

import pathlib
import re
import socket

from lib import qemu
from lib.domain import Domain
from lib.echo import Echo
from lib.plugs import PORTS, Plugs, guest_does, start_io, stop_io, wait_in_guest
from lib.update import TOOL, Update, job, require_each_tick_once

TIMEOUT_S = 700
QEMU_BACKEND = True
IN_CONTAINER = True

EXEC_EMULATOR = pathlib.Path("/usr/bin/virt-cpr-exec-qemu")
UNIX, TCP, FILE = "/run/channel.sock", ("127.0.0.1", 4555), pathlib.Path("/tmp/channel.out")
CHANNEL = "<channel type='{kind}'>{source}<target type='virtio' name='{name}'/>{more}</channel>"
SOURCES = {
    "unix": f"<source mode='bind' path='{UNIX}'/>",
    "tcp": f"<source mode='bind' host='{TCP[0]}' service='{TCP[1]}'/><protocol type='raw'/>",
    "pty": "",
    "file": f"<source path='{FILE}' append='on'/>",
}
# Of those whose use the name does not tell.
NAMED = "org.example.named"
# Sends back what comes. A port can be opened once.
ECHO = "(cat <>/dev/{0} >&0 2>/dev/null & echo $! >/tmp/{0}.pid)"
SERIAL = "<controller type='virtio-serial' index='0'/>"


def check_network(guest):
    """Both ways, through the tap device."""
    guest_does(guest, f"ping -c 3 -W 5 {qemu.HOST_ADDRESS}")


class Channels:
    """Channels of each kind, plugged into a running guest, and their users."""

    def __init__(self, guest, plugs):
        self.guest = guest
        self.plugs = plugs
        self.users = []

    @staticmethod
    def xml(kind, source):
        """Of one channel."""
        return CHANNEL.format(kind=kind, source=source, name=f"org.example.{kind}", more="")

    def port(self, kind):
        """The guest's device for it."""
        name = f"org.example.{kind}"
        guest_does(self.guest, f"for i in $(seq 150); do grep -qs '^{name}$' /sys/class/virtio-ports/*/name && "
                               "break; sleep 0.2; done")
        found = guest_does(self.guest, f"grep -l '^{name}$' /sys/class/virtio-ports/*/name")
        return pathlib.Path(found[0]).parent.name

    def pty(self):
        """The terminal that libvirt has been told of."""
        return re.findall(r"<channel type='pty'>\s*<source path='([^']+)'/>", self.guest.virsh("dumpxml"))[0]

    def plug(self):
        """Each kind, with somebody who uses it."""
        FILE.unlink(missing_ok=True)
        for kind, source in SOURCES.items():
            self.plugs.attach(f"org.example.{kind}", self.xml(kind, source))
        for kind in ("unix", "tcp", "pty"):
            guest_does(self.guest, ECHO.format(self.port(kind)))
        self.users = [Echo.at_socket("unix", UNIX), Echo.at_socket("tcp", TCP), Echo.at_pty("pty", self.pty())]
        self.check("plugged")

    def check(self, word):
        """Their users are connected as before, and what the guest says comes into the file."""
        for user in self.users:
            user.require_running(self.guest.l1)
        guest_does(self.guest, f"echo {word} >/dev/{self.port('file')}")
        self.guest.l1.wait_until(lambda: word in FILE.read_text(encoding="ascii").split(), 10,
                                 f"'{word}' in the file")

    def unplug(self):
        """All of them; nobody is there for new users then."""
        for user in self.users:
            user.stop(self.guest.l1)
        for kind, source in {**SOURCES, "pty": f"<source path='{self.pty()}'/>"}.items():
            self.plugs.detach(f"org.example.{kind}", self.xml(kind, source))
        words = FILE.read_text(encoding="ascii").split()
        self.guest.l1.require(words == ["plugged", "updated"], f"the file has {words}")
        for family, address in ((socket.AF_UNIX, UNIX), (socket.AF_INET, TCP)):
            with socket.socket(family) as client:
                self.guest.l1.require(client.connect_ex(address) != 0, f"somebody listens at {address}")


def plug_channels(guest, binaries, mode):
    """Their users notice nothing of an update, and the next QEMU is without those that are unplugged."""
    channels = Channels(guest, Plugs(guest))
    channels.plug()
    require_blockers(guest, [])
    update = Update(guest, str(binaries[0]))
    guest.l1.require(update.job["mode"] == mode, f"the mode was {update.job['mode']}")
    channels.check("updated")
    channels.unplug()
    Update(guest, str(binaries[1]))
    guest_does(guest, "! grep -s example /sys/class/virtio-ports/*/name")


def plug_channels_in_process(l1):
    """The same with a guest that is updated in its process."""
    qemu.add_emulator(l1, EXEC_EMULATOR, qemu.STOCK_QEMU, mode="exec")
    guest = Domain(l1, EXEC_EMULATOR, name="exec", jobs=["ticker"], devices=(), shared_memory=False,
                   virtio=[SERIAL, *PORTS])
    guest.start()
    plug_channels(guest, (qemu.NEXT_QEMU, qemu.STOCK_QEMU), "exec")
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("destroy")


def require_blockers(guest, expected):
    """What a check finds."""
    guest.l1.run(TOOL, "--check", guest.name, check=False, timeout=90)
    found = [blocker["id"] for blocker in job(guest).get("blockers", [])]
    guest.l1.require(found == expected, f"the blockers are {found}, not {expected}")


def run(l1):
    """The command line of each next QEMU is the guest as it is then."""
    qemu.set_up(l1)
    network = qemu.network(l1)
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda", "ticker"], devices=(),
                   shared_memory=False, virtio=[qemu.disk(l1, "vda"), SERIAL, *PORTS])
    guest.start()
    guest.wait_for_io(30, job="io-vda")
    plugs = Plugs(guest)
    disk = qemu.disk(l1, "vdb")
    plugs.attach("vdb", disk)
    plugs.attach(qemu.TAP, network)
    wait_in_guest(guest, "/dev/vdb")
    wait_in_guest(guest, "/sys/class/net/eth0")
    guest_does(guest, f"ip addr add {qemu.GUEST_ADDRESS}/24 dev eth0 && ip link set eth0 up")
    check_network(guest)
    start_io(guest, "vdb", "io-vdb")
    guest.wait_for_io(20, job="io-vdb")
    Update(guest, str(qemu.NEXT_QEMU))
    for name in ("io-vda", "io-vdb"):
        guest.wait_for_io(20, job=name)
    check_network(guest)
    named = CHANNEL.format(kind="unix", source=SOURCES["unix"], name=NAMED, more="<alias name='ua-named'/>")
    plugs.attach(NAMED, named)
    require_blockers(guest, ["qemu-character-device"])
    plugs.detach(NAMED, named)
    stop_io(guest, "io-vdb")
    plugs.detach("vdb", disk)
    Update(guest, str(qemu.STOCK_QEMU))
    guest.wait_for_io(20, job="io-vda")
    check_network(guest)
    guest_does(guest, "test ! -e /dev/vdb")
    plugs.detach(qemu.TAP, network)
    Update(guest, str(qemu.NEXT_QEMU))
    guest_does(guest, "test ! -e /sys/class/net/eth0")
    plug_channels(guest, (qemu.STOCK_QEMU, qemu.NEXT_QEMU), "transfer")
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
    plug_channels_in_process(l1)
