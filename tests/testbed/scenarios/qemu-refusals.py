# SPDX-License-Identifier: LGPL-2.1-or-later
"""What stock QEMU cannot hand over is told, all of it at once, and changes nothing."""

from lib import qemu
from lib.domain import Domain
from lib.update import TOOL, job

TIMEOUT_S = 300
QEMU_BACKEND = True
IN_CONTAINER = True

TELNET = """<serial type='tcp'>
      <source mode='bind' host='127.0.0.1' service='4555'/>
      <protocol type='telnet'/>
      <target port='1'/>
    </serial>"""
VNC = "<graphics type='vnc' port='5901' websocket='5701' listen='127.0.0.1'/>"
ARGUMENTS = ("-netdev", "tap,id=own,ifname=tap-own,script=no,downscript=no",
             "-device", "virtio-net-pci,netdev=own,id=own-nic,bus=pcie.0,addr=0x10",
             "-qmp", "unix:/tmp/other-monitor,server=on,wait=off")
AT_START = ["qemu-character-device", "qemu-display", "qemu-other-monitor", "qemu-tap"]


def require_refused(guest, expected):
    """A check finds these, an update is refused for them, and the guest runs on."""
    l1 = guest.l1
    for options in (["--check"], []):
        result = l1.run(TOOL, *options, guest.name, qemu.NEXT_QEMU, check=False, timeout=90)
        l1.require(result.returncode == 1, "the update was not refused")
        last = job(guest)
        found = sorted({blocker["id"] for blocker in last["blockers"]})
        l1.require(found == sorted(expected), f"the blockers are {found}, not {expected}")
        for blocker in last["blockers"]:
            l1.require(blocker["reason"] and blocker["remedy"], f"no help: {blocker}")
        l1.require(last["status"] == "failed" and last["phase"] == "validate",
                   f"it ended as {last['status']} in phase {last['phase']}")
    guest.wait_for_io(20, job="io-vda")


def run(l1):
    """What the domain was started with, and what is done to it while it runs."""
    qemu.set_up(l1)
    l1.load_modules("tun")
    guest = Domain(l1, qemu.EMULATOR, jobs=["io@vda"], devices=(), shared_memory=False,
                   virtio=[qemu.disk(l1, "vda"), TELNET, VNC], arguments=ARGUMENTS)
    guest.start()
    guest.wait_for_io(20, job="io-vda")
    require_refused(guest, AT_START)
    node = next(disk["inserted"]["node-name"] for disk in guest.qmp("query-block")
                if disk.get("inserted"))
    guest.qmp("block-dirty-bitmap-add", node=node, name="backup")
    guest.qmp("nbd-server-start", addr={"type": "unix", "data": {"path": "/tmp/nbd"}})
    require_refused(guest, [*AT_START, "qemu-bitmap-not-persistent", "qemu-disk-exported"])
    guest.qmp("block-dirty-bitmap-remove", node=node, name="backup")
    guest.qmp("nbd-server-stop")
    require_refused(guest, AT_START)
    guest.virsh("qemu-monitor-command", "--hmp", "device_del own-nic")
    require_refused(guest, [*AT_START, "qemu-human-monitor"])
    guest.virsh("destroy")
