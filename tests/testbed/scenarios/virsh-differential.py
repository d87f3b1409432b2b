# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hundred runs of virsh say and return the same through the front end and without it."""

import re
import subprocess

from lib import qemu
from lib.domain import Domain
from lib.update import FRONT_END

TIMEOUT_S = 240
QEMU_BACKEND = True
IN_CONTAINER = True

# What is never twice the same: how long it took, the number of a monitor command, CPU time.
MOVING = re.compile(r"Time: .*|libvirt-\d+|CPU time: .*")
STOCK = "/usr/bin/virsh"
TEST = ("-c", "test:///default")
WANTED_RUNS = 100

# On the host's own libvirt. NAME is the guest's; what changes something comes with what undoes it.
LIVE = """
list
list --all
list --all --name
list --uuid
list --title
-q list
-r list --all
-t uri
uri
hostname
nodeinfo --nosuch
domid NAME
domuuid NAME
domname 1
domstate NAME
domstate NAME --reason
dominfo --nosuch NAME
dumpxml NAME
dumpxml --inactive NAME
dumpxml --xpath //emulator NAME
domblklist NAME
domiflist NAME
vcpucount NAME
schedinfo NAME
memtune NAME
blkiotune NAME
numatune NAME
iothreadinfo NAME
emulatorpin NAME
domcontrol NAME
domjobinfo NAME
domfsinfo NAME
qemu-monitor-command NAME {"execute":"query-status"}
qemu-monitor-command --hmp NAME info|status
suspend
suspend nosuch
suspend --nosuch NAME
desc NAME
desc NAME a text
metadata NAME http://example.org/none
autostart NAME
autostart --disable NAME
start NAME
undefine nosuch
define /nonexistent
snapshot-list NAME
checkpoint-list NAME
net-list --all
pool-list --all
nwfilter-list
secret-list
iface-list --nosuch
nodedev-list --cap system
capabilities --nosuch
domcapabilities --nosuch
cpu-models x86_64
freecell --nosuch
event --list
"""
# On libvirt's test driver.
TESTED = """
list
-q list --name
list;uri
list; nosuch; uri
uri # no more
echo a; echo b;; echo c
echo 'update-in-place g1'
echo --shell update-in-place
echo "a
echo a\\ b
nosuch
update-in-places test
help suspend
help --command suspend
help nosuch
help snapshot
help network
suspend --help
complete -- sus
complete -- suspend t
complete
quit
exit
connect --nosuch
cd /
pwd
vol-list default-pool
pool-info default-pool
net-info default
net-dumpxml default
dominfo test
destroy nosuch
setmem test
setvcpus test x
domiflist test
domblkstat test nosuch
"""
# Whole command lines.
GLOBAL = (["-v"], ["-V"], ["--version"], ["--version=long"], ["--nosuch"], ["-c"], ["-k", "x", "uri"],
          ["-d", "9", *TEST, "uri"], ["-e", "xx", *TEST, "uri"], ["--conn=test:///default", "-qr", "uri"],
          ["-c", "nosuch:///", "list"], [*TEST, "uri", ";", "uri"], [*TEST, ""])
# What is typed.
SESSIONS = ("uri\nlist\nquit\n", "nosuch\nuri; list --name\n", "suspend nosuch\ncd /nonexistent\npwd\n",
            "connect test:///default\nuri\nexit\n", "'open\nuri\n", "")


def outcome(program, arguments, typed=None):
    """Status, output and errors of a run."""
    done = subprocess.run([program, *arguments], input=typed, text=True, capture_output=True,
                          stdin=None if typed is not None else subprocess.DEVNULL, timeout=60,
                          check=False)
    return done.returncode, MOVING.sub("", done.stdout), done.stderr


def command_lines(guest):
    """Each run's arguments, and what is typed."""
    for line in LIVE.strip().splitlines():
        yield [word.replace("NAME", guest.name).replace("|", " ") for word in line.split()], None
    for line in TESTED.strip().splitlines():
        yield [*TEST, line], None
        yield [*TEST, *line.split()], None
    for arguments in GLOBAL:
        yield arguments, None
    for typed in SESSIONS:
        yield [*TEST], typed


def run(l1):
    """Each both ways, one after the other."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, memory_mib=32, devices=(), shared_memory=False)
    l1.virsh("start", "--paused", guest.name)
    differences, runs = [], 0
    for arguments, typed in command_lines(guest):
        stock, ours = (outcome(program, arguments, typed) for program in (STOCK, FRONT_END))
        runs += 1
        l1.log(f"{arguments} {typed!r}: {stock[0]}, {len(stock[1])} and {len(stock[2])} characters")
        if stock != ours:
            differences.append((arguments, typed, stock, ours))
    for difference in differences:
        l1.log(f"DIFFERENCE: {difference}")
    l1.require(not differences, f"{len(differences)} of {runs} runs differ, as {differences[:2]}")
    l1.require(runs >= WANTED_RUNS, f"only {runs} runs")
    l1.report(f"{runs} runs of virsh, the same through the front end and without it")
