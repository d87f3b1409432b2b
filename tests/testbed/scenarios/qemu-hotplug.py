# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disk, network and channel are plugged into a guest of stock QEMU and unplugged between updates."""

from lib import qemu
from lib.domain import Domain
from lib.update import TOOL, Update, job, require_each_tick_once

TIMEOUT_S = 500
QEMU_BACKEND = True
IN_CONTAINER = True

CHANNEL = """<channel type='unix'>
  <source mode='bind' path='/run/channel.sock'/>
  <target type='virtio' name='org.example.0'/>
</channel>"""
PORTS = [f"<controller type='pci' index='{index}' model='pcie-root-port'/>"
         for index in range(1, 7)]
SERIAL = "<controller type='virtio-serial' index='0'/>"


class Plugs:
    """Attaches and detaches devices by their XML."""

    def __init__(self, guest):
        self.guest = guest
        self.l1 = guest.l1

    def run(self, command, name, xml):
        """One of virsh's commands on a device."""
        path = self.l1.share / f"{name}.xml"
        path.write_text(xml, encoding="utf-8")
        self.guest.virsh(command, path, "--live")

    def attach(self, name, xml):
        """Into the running guest."""
        self.run("attach-device", name, xml)

    def detach(self, name, xml):
        """Out of it, and wait until the guest has let go."""
        self.run("detach-device", name, xml)
        self.l1.wait_until(lambda: name not in self.guest.virsh("dumpxml"), 30,
                           f"{name} to be unplugged")


def guest_does(guest, command):
    """Fail unless the command succeeds in the guest."""
    status, lines = guest.console.command(command)
    guest.l1.require(status == 0, f"the guest's '{command}' failed with {status}: {lines}")
    return lines


def wait_in_guest(guest, path):
    """Until the guest's kernel has found a device."""
    guest_does(guest, f"for i in $(seq 150); do [ -e {path} ] && break; sleep 0.2; done; "
                      f"test -e {path}")


def check_network(guest):
    """Both ways, through the tap device."""
    guest_does(guest, f"ping -c 3 -W 5 {qemu.HOST_ADDRESS}")


def require_blockers(guest, expected):
    """What a check finds."""
    guest.l1.run(TOOL, "--check", guest.name, check=False, timeout=90)
    found = [blocker["id"] for blocker in job(guest)["blockers"]]
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
    # in a shell of its own, or the guest's would tell of its end in the middle of a line
    guest_does(guest, "(ioverify run /dev/vdb 4 512 io-vdb & echo $! >/tmp/vdb.pid)")
    guest.wait_for_io(20, job="io-vdb")
    Update(guest, str(qemu.NEXT_QEMU))
    for name in ("io-vda", "io-vdb"):
        guest.wait_for_io(20, job=name)
    check_network(guest)
    plugs.attach("org.example.0", CHANNEL)
    require_blockers(guest, ["qemu-character-device"])
    plugs.detach("org.example.0", CHANNEL)
    guest_does(guest, "kill $(cat /tmp/vdb.pid); sleep 1")
    plugs.detach("vdb", disk)
    Update(guest, str(qemu.STOCK_QEMU))
    guest.wait_for_io(20, job="io-vda")
    check_network(guest)
    guest_does(guest, "test ! -e /dev/vdb")
    plugs.detach(qemu.TAP, network)
    Update(guest, str(qemu.NEXT_QEMU))
    guest_does(guest, "test ! -e /sys/class/net/eth0")
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
