# SPDX-License-Identifier: LGPL-2.1-or-later
"""What cannot take a guest over is refused before the guest is touched, and a check changes nothing."""

from lib.domain import EMULATOR, Domain
from lib.update import NEXT_VMM, TOOL, Update, job, require_each_tick_once

# argument of the tool, and the error code that the job ends with
REFUSED = [
    ("/nonexistent/vmm", "binary-missing"),
    ("/etc/passwd", "binary-not-executable"),
    ("/usr/bin/true", "binary-foreign"),
]


def require_refused(l1, guest, binary, code):
    """The tool fails and says why; no vCPU was ever stopped."""
    result = l1.run(TOOL, guest.name, binary, check=False)
    l1.require(result.returncode == 1, f"{TOOL} ended with {result.returncode}")
    l1.require(binary in result.stderr, f"the error does not name {binary}: {result.stderr}")
    last = job(guest)
    l1.require(last["status"] == "failed", f"the update ended as {last['status']}")
    l1.require(last["error"]["code"] == code, f"{last['error']['code']} instead of {code}")
    l1.require("pause" not in last, "the guest was stopped")


def run(l1):
    """Refusals, a check, and then an update that succeeds."""
    guest = Domain(l1, EMULATOR, jobs=["io", "ticker"])
    guest.start()
    guest.wait_for_io(20)
    for binary, code in REFUSED:
        require_refused(l1, guest, binary, code)
    l1.run(TOOL, "--check", guest.name, NEXT_VMM)
    last = job(guest)
    l1.require(last["check"] and last["status"] == "completed" and last["generation"] == 0
               and "pause" not in last, f"the check did more than it should: {last}")
    result = l1.run(TOOL, "no-such-domain", check=False)
    l1.require(result.returncode == 1 and "no-such-domain" in result.stderr,
               "an unknown domain is not named")
    Update(guest, NEXT_VMM)
    guest.wait_for_io(20)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
