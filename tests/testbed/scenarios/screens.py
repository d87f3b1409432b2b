# SPDX-License-Identifier: LGPL-2.1-or-later
"""The screens of the manual: an update, a refusal and a rollback, typed into a terminal; scripts/screens takes them over."""

import pathlib
import re
import shutil

from lib import qemu
from lib.domain import Domain
from lib.l1 import FILES
from lib.terminal import Terminal

TIMEOUT_S = 240
QEMU_BACKEND = True
IN_CONTAINER = True
HOST_PROGRAMS = {"/usr/bin/tmux": "tmux"}
BROKEN_QEMU = pathlib.Path("/run/qemu-lacks-serial")
# Nobody can hand over what somebody else may do with a monitor of his own.
MONITOR = ("-qmp", "unix:/tmp/monitor,server=on,wait=off")

# What is typed, and what has to show: else the manual would tell of something else.
SCREENS = {
    "update": (["virt-cpr-emulators set virt-cpr-qemu {stock}",
                "virt-update-in-place --check g1",
                "virt-update-in-place --verbose g1",
                "virsh domstate g1"],
               ["can be updated in place", "Domain 'g1' updated in place from", "resume:", "running"]),
    "refusal": (["virt-update-in-place g2"],
                ["error: Failed to update domain 'g2' in place", "blocker qemu-other-monitor", "(remedy: "]),
    "rollback": (["virt-update-in-place g1 {broken}",
                  "virsh domstate g1",
                  "virt-update-in-place --info g1"],
                 ["error: Failed to update domain 'g1' in place", "the guest runs on with", "running",
                  "rolled-back"]),
}

# In the sources, on the host.
MANUAL = pathlib.Path(__file__).resolve().parents[3] / "docs" / "screens"


def essence(text):
    """What does not change from run to run: no numbers, and no places where a line had to be broken."""
    return re.sub(r"\s+|-{2,}", "", re.sub(r"\d+(\.\d+)*", "N", text))


def host_check(run):
    """The manual has what this shows."""
    for name in SCREENS:
        shown, printed = run.share / "screens" / f"{name}.txt", MANUAL / f"{name}.txt"
        if not printed.exists() or essence(printed.read_text(encoding="utf-8")) != essence(
                shown.read_text(encoding="utf-8")):
            return f"docs/screens/{name}.txt is out of date: run scripts/screens"
    return None


def run(l1):
    """A guest of an older QEMU goes to a newer one, and another cannot; then one comes that is no good."""
    qemu.set_up(l1, qemu.OLDER_QEMU)
    # On a terminal virsh starts it, and complains that nobody answers for polkit here.
    pathlib.Path("/usr/bin/pkttyagent").unlink(missing_ok=True)
    shutil.copy(FILES / "impostor", BROKEN_QEMU)
    guest = Domain(l1, qemu.EMULATOR, name="g1", jobs=["io@sda"], devices=(), shared_memory=False,
                   options="cpr.sata", virtio=[qemu.disk(l1, "sda", "sata")])
    guest.start()
    guest.wait_for_io(20, job="io-sda")
    blocked = Domain(l1, qemu.EMULATOR, name="g2", memory_mib=32, devices=(), shared_memory=False,
                     arguments=MONITOR)
    l1.virsh("start", "--paused", blocked.name)
    folder = l1.share / "screens"
    folder.mkdir()
    for name, (commands, texts) in SCREENS.items():
        terminal = Terminal(l1)
        for command in commands:
            terminal.type(command.format(stock=qemu.STOCK_QEMU, broken=BROKEN_QEMU))
        screen = terminal.close()
        (folder / f"{name}.txt").write_text(screen, encoding="utf-8")
        l1.log(f"screen {name}:\n{screen}")
        for text in texts:
            l1.require(essence(text) in essence(screen), f"the screen {name} has no '{text}'")
        guest.wait_for_io(20, job="io-sda")
