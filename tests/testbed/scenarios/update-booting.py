# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest that boots with four vCPUs is updated again and again until it is in user space."""

import re

from lib.domain import EMULATOR, READY, Domain
from lib.update import NEXT_VMM, VMM, Update

TIMEOUT_S = 300
AT_LEAST = 2


def in_user_space(guest):
    """Whether the guest has got there."""
    return any(re.search(READY, text) for _, text in guest.console.snapshot())


def run(l1):
    """Boot code, vCPUs in real mode, half-initialised devices: all of it is carried over."""
    guest = Domain(l1, EMULATOR, vcpus=4, jobs=["io", "ticker"])
    guest.start(ready=False)
    updates = 0
    while not in_user_space(guest):
        update = Update(guest, VMM if updates % 2 else NEXT_VMM)
        updates += 1
        l1.log(f"update {updates}: {update.describe_pause()}")
        l1.sleep(1)
        l1.require(updates < 40, "the guest does not get to user space")
    l1.require(updates >= AT_LEAST, f"the guest was updated only {updates} times while it booted")
    guest.wait_for_io(20)
    status, lines = guest.console.command("nproc")
    l1.require(status == 0 and lines == ["4"], f"vCPUs were lost: {lines}")
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
