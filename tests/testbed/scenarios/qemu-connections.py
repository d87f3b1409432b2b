# SPDX-License-Identifier: LGPL-2.1-or-later
"""Users of serial lines, channels and the guest agent stay connected to a guest of stock QEMU."""

import json
import pathlib
import re
import shutil

from lib import qemu
from lib.domain import Domain
from lib.echo import Echo
from lib.l1 import FILES
from lib.update import TOOL, Update, job, require_each_tick_once

TIMEOUT_S = 300
QEMU_BACKEND = True
IN_CONTAINER = True

UNIX = "/run/serial.sock"
CHANNEL = "/run/channel.sock"
TCP = ("127.0.0.1", 4555)
DEVICES = [
    f"""<serial type='unix'><source mode='bind' path='{UNIX}'/><target port='1'/></serial>""",
    f"""<serial type='tcp'><source mode='bind' host='{TCP[0]}' service='{TCP[1]}'/>
      <protocol type='raw'/><target port='2'/></serial>""",
    """<serial type='pty'><target port='3'/></serial>""",
    f"""<channel type='unix'><source mode='bind' path='{CHANNEL}'/>
      <target type='virtio' name='org.example.0'/></channel>""",
    """<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>""",
]
# Sends back what comes. A channel can be opened once.
ECHO = "stty -F /dev/{0} raw -echo 2>/dev/null; (cat <>/dev/{0} >&0 2>/dev/null &)"
# As much of a guest agent as libvirt needs to be satisfied.
AGENT = r"""
exec 3<>/dev/$1
while read -r line <&3; do
    case $line in
        *guest-sync*) id=${line##*:}; echo "{\"return\": ${id%%\}*}}" >&3 ;;
        *) echo '{"return": {}}' >&3 ;;
    esac
done
"""


def in_guest(guest, command):
    """Fail unless the command succeeds in the guest."""
    status, lines = guest.console.command(command)
    guest.l1.require(status == 0, f"the guest's '{command}' failed with {status}: {lines}")
    return lines


def port_of(guest, name):
    """The guest's device for a channel."""
    ports = in_guest(guest, f"grep -l '^{name}$' /sys/class/virtio-ports/*/name")
    return pathlib.Path(ports[0]).parent.name


def start_agent(guest):
    """In the guest, by the shell: it has no other language."""
    for line in AGENT.strip().splitlines():
        quoted = line.replace("'", "'\\''")
        in_guest(guest, f"echo '{quoted}' >>/tmp/agent")
    in_guest(guest, f"(sh /tmp/agent {port_of(guest, 'org.qemu.guest_agent.0')} &)")


def ping_agent(guest):
    """By libvirt, over the connection that it has had from the beginning."""
    answer = guest.virsh("qemu-agent-command", json.dumps({"execute": "guest-ping"}))
    guest.l1.require(json.loads(answer) == {"return": {}}, f"the agent answered {answer}")


def last_pty(guest):
    """Of the line that is no console."""
    return re.findall(r"<serial type='pty'>\s*<source path='([^']+)'/>\s*<target[^>]* port='3'>",
                      guest.virsh("dumpxml"))[0]


def run(l1):
    """Bytes go there and back all the time, through updates that fail and that succeed."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, jobs=["ticker"], devices=(), shared_memory=False,
                   virtio=DEVICES)
    guest.start()
    for device in ("ttyS1", "ttyS2", "ttyS3", port_of(guest, "org.example.0")):
        in_guest(guest, ECHO.format(device))
    start_agent(guest)
    users = [Echo.at_socket("unix", UNIX), Echo.at_socket("tcp", TCP),
             Echo.at_pty("pty", last_pty(guest)), Echo.at_socket("channel", CHANNEL)]

    def check():
        for user in users:
            user.require_running(l1)
        ping_agent(guest)
    check()
    for name in ("ends", "lacks-serial"):
        program = shutil.copy(FILES / "impostor", pathlib.Path("/run") / f"qemu-{name}")
        l1.run(TOOL, guest.name, program, check=False, timeout=90)
        l1.require(job(guest)["status"] == "rolled-back", "the update was not undone")
        check()
    for _ in range(2 if l1.short else 5):
        for binary in (qemu.NEXT_QEMU, qemu.STOCK_QEMU):
            Update(guest, str(binary))
            check()
    for user in users:
        user.stop(l1)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("destroy")
