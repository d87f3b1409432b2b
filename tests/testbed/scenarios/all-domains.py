# SPDX-License-Identifier: LGPL-2.1-or-later
"""All domains of a host are updated, several at a time; two of them are refused, and one is none of ours."""

import json

from lib import qemu
from lib.domain import Domain
from lib.update import TOOL, job

TIMEOUT_S = 400
QEMU_BACKEND = True
IN_CONTAINER = True
GUESTS, SHORT_GUESTS = 20, 6
MEMORY_MIB = 32
# Something that QEMU cannot hand over.
REFUSED = ("-qmp", "unix:/tmp/{name},server=on,wait=off")
FOREIGN = "stranger"


def start_guests(l1):
    """Guests that are paused from the start on: the emulator has enough to do without them."""
    names = [f"g{number:02}" for number in range(SHORT_GUESTS if l1.short else GUESTS)]
    refused = names[1:3]
    for name in (*names, FOREIGN):
        arguments = [argument.format(name=name) for argument in REFUSED] if name in refused else ()
        guest = Domain(l1, qemu.STOCK_QEMU if name == FOREIGN else qemu.EMULATOR, name=name,
                       memory_mib=MEMORY_MIB, devices=(), shared_memory=False, arguments=arguments)
        l1.virsh("start", "--paused", guest.name)
        yield guest, name in refused


def require_table(l1, guests, result):
    """A row for each domain, and the sums."""
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.startswith(" ")}
    for guest, refused in guests:
        word = ("skipped" if guest.name == FOREIGN else "refused" if refused else "updated")
        l1.require(rows[guest.name].split()[1] == word, f"not '{word}': {rows[guest.name]}")
        l1.require(not refused or "qemu-other-monitor" in rows[guest.name],
                   f"no reason: {rows[guest.name]}")
    sums = f"{len(guests) - 3} succeeded, 2 failed, 1 skipped"
    l1.require(result.stdout.rstrip().endswith(sums), f"the sums are not '{sums}'")
    l1.require(result.returncode == 1, "two domains were refused, and the tool succeeded")


def require_one_at_a_time(l1, guest):
    """Started, cancelled and waited for, each by a call of its own."""
    started = l1.run(TOOL, "--async", guest.name, qemu.STOCK_QEMU).stdout
    number = job(guest)["job-id"]
    l1.require(f"Update {number} of domain '{guest.name}' started" in started, "it was not started")
    l1.run(TOOL, "--abort", guest.name)
    waited = l1.run(TOOL, "--wait", guest.name, check=False, timeout=90)
    l1.require(waited.returncode == 1 and "the update was cancelled" in waited.stderr,
               "the update was not cancelled")
    l1.run(TOOL, "--async", "--mode", "transfer", guest.name, qemu.STOCK_QEMU)
    waited = l1.run(TOOL, "--wait", guest.name, timeout=90)
    l1.require(f"Domain '{guest.name}' updated in place" in waited.stdout, "no end was told")


def run(l1):
    """All, four at a time; then some by name, up to the first failure; then one."""
    qemu.set_up(l1)
    guests = list(start_guests(l1))
    l1.run("virt-cpr-emulators", "set", qemu.EMULATOR.name, qemu.NEXT_QEMU)
    result = l1.run(TOOL, "--all", "--host-parallel", "4", check=False, timeout=200)
    require_table(l1, guests, result)
    for guest, refused in guests[:-1]:
        last = job(guest)
        l1.require(last["status"] == ("failed" if refused else "completed"), f"it ended as {last}")
        l1.require(guest.state() == "paused", f"{guest.name} is {guest.state()}")
    names = [guest.name for guest, _ in guests]
    result = l1.run(TOOL, "--check", "--json", "--max-failures", "1", *names[:4], check=False,
                    timeout=90)
    told = {entry["domain"]: entry for entry in map(json.loads, result.stdout.splitlines())}
    l1.require(told[names[0]]["status"] == "completed" and told[names[1]]["status"] == "failed" and
               told[names[2]]["error"]["desc"] == "not begun", f"not as it was to be: {told}")
    require_one_at_a_time(l1, guests[0][0])
