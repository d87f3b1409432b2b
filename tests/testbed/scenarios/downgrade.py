# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest goes to a newer VMM and back, unless it uses what only the newer one can carry over."""

from lib.domain import EMULATOR, Domain
from lib.update import NEXT_VMM, TOOL, VMM, Update, job, require_each_tick_once

TIMEOUT_S = 300

# The reset control register; tests/cpr-vmm-next keeps its upper half, in version 2 of its state.
PORT = 0xcf9
SCRATCH = 0x50
KIND = "reset-control"


def write_register(guest, value):
    """Write the register from inside the guest."""
    status, lines = guest.console.command(
        f"printf '\\{value:03o}' | dd of=/dev/port bs=1 seek={PORT} count=1 conv=notrunc")
    guest.l1.require(status == 0, f"the guest cannot write port {PORT:#x}: {lines}")


def require_register(guest, value):
    """The guest reads this value."""
    # In one piece, since the guest's jobs write at any time.
    _, lines = guest.console.command(
        f"echo register $(dd if=/dev/port bs=1 skip={PORT} count=1 2>/dev/null"
        " | hexdump -v -e '1/1 \"%02x\"')")
    guest.l1.require(lines == [f"register {value:02x}"],
                     f"the register has {lines}, not {value:02x}")


def require_refused(guest):
    """The way back is refused in validation, by the tool and by a check, and the reason is told."""
    l1 = guest.l1
    for options in ([], ["--check"]):
        result = l1.run(TOOL, *options, guest.name, VMM, check=False)
        l1.log(f"{TOOL} {' '.join(options)}: {result.stderr.strip()}")
        last = job(guest)
        l1.require(result.returncode == 1 and last["status"] == "failed"
                   and last["error"]["code"] == "binary-incompatible",
                   f"the way back was not refused: {last}")
        l1.require(f"'{KIND}' has version 2" in result.stderr, "the reason is not told")
        l1.require("pause" not in last and [phase["name"] for phase in last["phases"]]
                   == ["validate"], f"the guest was touched: {last}")


def run(l1):
    """There and back, there and not back, and back at last."""
    guest = Domain(l1, EMULATOR, jobs=["io", "ticker"])
    guest.start()
    guest.wait_for_io(20)
    write_register(guest, SCRATCH)
    require_register(guest, 0)
    Update(guest, NEXT_VMM)
    Update(guest, VMM)
    Update(guest, NEXT_VMM)
    write_register(guest, SCRATCH)
    require_refused(guest)
    guest.wait_for_io(20)
    # Between programs that know it, the new field travels.
    Update(guest, NEXT_VMM)
    require_register(guest, SCRATCH)
    write_register(guest, 0)
    Update(guest, VMM)
    guest.wait_for_io(20)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
