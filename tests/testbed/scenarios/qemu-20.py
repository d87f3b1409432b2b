# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of stock QEMU is handed over twenty times in a row, and nothing is left behind."""

from lib import qemu
from lib.domain import Domain
from lib.process import Holdings, processes_named
from lib.update import Update, controller_pid, require_each_tick_once

TIMEOUT_S = 1500
QEMU_BACKEND = True
IN_CONTAINER = True
UPDATES, SHORT_UPDATES = 20, 3
# What comes and goes with an update, such as a log that is opened anew.
SLACK_FILES = 2


def run(l1):
    """From one file of QEMU's to the other and back."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda", "ticker"], devices=(),
                   shared_memory=False, virtio=[qemu.disk(l1, "vda")])
    guest.start()
    guest.wait_for_io(50, job="io-vda")
    files = None
    for number in range(SHORT_UPDATES if l1.short else UPDATES):
        update = Update(guest, str(qemu.STOCK_QEMU if number % 2 else qemu.NEXT_QEMU))
        l1.log(f"update {number + 1}: {update.describe_pause()}")
        guest.wait_for_io(50, job="io-vda")
        names = (qemu.STOCK_QEMU.name, qemu.NEXT_QEMU.name)
        running = [pid for name in names for pid in processes_named(name)]
        l1.require(len(running) <= 2, f"QEMUs were left behind: {running}")
        held = Holdings(controller_pid(l1))
        l1.log(held)
        if number == 1:
            files = held.descriptor_count()
        l1.require(files is None or held.descriptor_count() <= files + SLACK_FILES,
                   f"the controller had {files} files open, and has {held.descriptor_count()}")
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
