# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stock QEMU as the VMM behind an emulator program of the project."""

import pathlib
import shutil

from .l1 import FILES
from .pinger import Pinger
from .update import CONFIG, TOOL, Update, job, set_deadlines

EMULATOR = pathlib.Path("/usr/bin/virt-cpr-qemu")
PROGRAM = "/usr/bin/virt-cpr-emulator"
STOCK_QEMU = pathlib.Path("/usr/lib/stock-qemu/qemu-system-x86_64")
# The same program in a file of its own, as a package upgrade leaves it.
NEXT_QEMU = pathlib.Path("/usr/lib/stock-qemu/next-qemu-system-x86_64")

# The release's own, older than STOCK_QEMU (runner/tree.py).
OLDER_QEMU = pathlib.Path("/opt/qemu-stable/usr/bin/qemu-system-x86_64")

# Only those of the same build can be loaded, and a QEMU that meets another's ends.
MODULES = pathlib.Path("/usr/lib/x86_64-linux-gnu/qemu")

# In the emulated machine QEMU takes seconds to say anything.
DEADLINES_MS = {"query-deadline": 10000, "info-deadline": 20000}

DISK_BYTES = 64 << 20
DISK = """<disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='{path}'/>
      <target dev='{name}' bus='{bus}'/>
    </disk>"""

# A tap device that scenarios make, and the guest's network on it.
TAP = "tap-guest"
HOST_ADDRESS, GUEST_ADDRESS = "192.0.2.1", "192.0.2.2"
NETWORK = f"""<interface type='ethernet'>
      <mac address='52:54:00:00:00:02'/>
      <target dev='{TAP}' managed='no'/>
      <model type='virtio'/>
      <driver queues='{{queues}}'/>
    </interface>"""


def set_up(l1, program=STOCK_QEMU, deadlines_ms=None, modules=False, mode=None):
    """An emulator program with stock QEMU behind it, and a second file of QEMU's. The deadlines are
    for a machine that is not slow; `mode` is that of emulators.conf."""
    if not modules:
        shutil.rmtree(MODULES)
    shutil.copy2(STOCK_QEMU, NEXT_QEMU)
    add_emulator(l1, EMULATOR, program, mode)
    set_deadlines({name: value * l1.slow for name, value in (deadlines_ms or DEADLINES_MS).items()})


def add_emulator(l1, emulator, program, mode=None):
    """An emulator program with that QEMU behind it, whose group is the last of the file."""
    emulator.symlink_to(PROGRAM)
    l1.run("virt-cpr-emulators", "set", emulator.name, program)
    if mode:
        with open(CONFIG, "a", encoding="utf-8") as config:
            config.write(f"mode={mode}\n")


def disk(l1, name, bus="virtio"):
    """XML of an empty disk of that name in the guest."""
    path = pathlib.Path(f"/tmp/{name}.img")
    with open(path, "wb") as file:
        file.truncate(DISK_BYTES)
    l1.log(f"disk {name} is {path}")
    return DISK.format(path=path, name=name, bus=bus)


def network(l1, queues=1):
    """XML of the guest's network, on a tap device that is made for it, with the host's address."""
    l1.load_modules("tun", "vhost_net")
    l1.run("ip", "tuntap", "add", "dev", TAP, "mode", "tap", "vnet_hdr",
           *(["multi_queue"] if queues > 1 else []))
    l1.run("ip", "addr", "add", f"{HOST_ADDRESS}/24", "dev", TAP)
    l1.run("ip", "link", "set", TAP, "up")
    return NETWORK.format(queues=queues)


def set_up_network(guest):
    """The guest's end, tried."""
    status, lines = guest.console.command(
        f"ip addr add {GUEST_ADDRESS}/24 dev eth0 && ip link set eth0 up && "
        f"ping -c 2 -W 5 {HOST_ADDRESS}")
    guest.l1.require(status == 0, f"the guest has no network: {lines}")


def failed_update(guest, name):
    """The new QEMU fails as the impostor's name says (tests/testbed/faults/impostor.c), and the guest,
    whose disk is at work, runs on with the old one. Returns the job."""
    l1 = guest.l1
    binary = shutil.copy(FILES / "impostor", pathlib.Path("/run") / f"qemu-{name}")
    l1.run(TOOL, guest.name, binary, check=False, timeout=90)
    last = job(guest)
    l1.require(last["status"] == "rolled-back", f"the update ended as {last['status']}: {last}")
    l1.require(guest.state() == "running", "the guest does not run")
    guest.wait_for_io(50, job="io-vda")
    return last


def pinged_update(guest, binary, queues=1):
    """An update under pings, of which none is lost but around the pause."""
    l1 = guest.l1
    pinger = Pinger(GUEST_ADDRESS)
    l1.sleep(1)
    update = Update(guest, str(binary))
    l1.sleep(1)
    longest = pinger.stop()
    l1.report(f"{len(pinger.sent)} pings, {len(pinger.lost)} lost, the longest took "
              f"{longest * 1000:.0f} ms; pause {update.describe_pause()}")
    outside = pinger.lost_outside(update.pause, queues)
    l1.require(not outside, f"pings were lost while the guest ran: {outside}")


def require_described_states(guest):
    """Whoever saves or migrates the guest next does so as before."""
    guest.l1.require(guest.qmp("qom-get", path="/machine", property="suppress-vmdesc") is False,
                     "QEMU was left without the description of its state")
