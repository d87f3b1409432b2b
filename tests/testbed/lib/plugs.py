# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that are plugged into a running guest, and unplugged."""

# For PCI devices.
PORTS = [f"<controller type='pci' index='{index}' model='pcie-root-port'/>"
         for index in range(1, 7)]


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
        """Out of it, and wait until the guest has let go. In the domain's XML the name is nowhere
        else."""
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


def start_io(guest, device, name, depth=4):
    """A job of the guest's on a disk, as of its start."""
    # in a shell of its own, or the guest's would tell of its end in the middle of a line
    guest_does(guest, f"(ioverify run /dev/{device} {depth} 512 {name} & echo $! >/tmp/{name}.pid)")


def stop_io(guest, name):
    """Nothing has the disk open any more."""
    guest_does(guest, f"kill $(cat /tmp/{name}.pid); sleep 1")
