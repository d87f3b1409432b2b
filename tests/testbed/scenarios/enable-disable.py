# SPDX-License-Identifier: LGPL-2.1-or-later
"""A domain of stock QEMU is enabled for updates, updated, and disabled: its XML is as before."""

from lib import qemu
from lib.domain import Domain
from lib.update import TOOL, Update

QEMU_BACKEND = True
IN_CONTAINER = True

# What --enable is to say of a guest that runs.
RESTART = "once it has been shut down and started again"


def xml(guest):
    """What the domain is started with."""
    return guest.virsh("dumpxml", "--inactive", "--security-info")


def quoted_alike(text):
    """XML whose writers differ in quotation marks alone."""
    return text.replace('"', "'")


def require_edit(guest, option, *arguments):
    """--print-xml shows what the option then does, and does nothing itself; returns both outputs."""
    l1 = guest.l1
    before = xml(guest)
    shown = l1.run(TOOL, option, "--print-xml", guest.name, *arguments)
    l1.require(xml(guest) == before, "--print-xml has changed the domain")
    done = l1.run(TOOL, option, guest.name, *arguments)
    after = quoted_alike(xml(guest))
    for line in filter(None, map(str.strip, quoted_alike(shown.stdout).splitlines())):
        l1.require(line in after, f"what was shown was not done: {line}")
    return shown, done


def run(l1):
    """A guest without updates, one with them, and one without again."""
    qemu.set_up(l1)
    guest = Domain(l1, str(qemu.STOCK_QEMU), vcpus=2, jobs=["io@vda"], devices=(),
                   shared_memory=False, virtio=[qemu.disk(l1, "vda")])
    before = xml(guest)
    guest.virsh("start")
    _, done = require_edit(guest, "--enable")
    l1.require(RESTART in done.stderr, "nothing was said of the restart")
    result = l1.run(TOOL, guest.name, check=False)
    l1.require(result.returncode == 1 and "virt-cpr-emulator" in result.stderr,
               "a guest that was started without the emulator program was updated")
    guest.virsh("destroy")

    guest.start()
    guest.wait_for_io(20, job="io-vda")
    done = l1.run(TOOL, "--enable", guest.name)
    l1.require(RESTART not in done.stderr, "a restart was asked for without need")
    Update(guest, str(qemu.NEXT_QEMU))
    guest.wait_for_io(20, job="io-vda")

    require_edit(guest, "--disable")
    l1.require(xml(guest) == before, "the domain's XML is not what it was")
    # The guest that runs can still be updated, and the XML then has its history.
    Update(guest, str(qemu.STOCK_QEMU))
    guest.wait_for_io(20, job="io-vda")
    guest.require_no_complaints()
    guest.virsh("destroy")
    result = l1.run(TOOL, "--disable", guest.name, check=False)
    l1.require(result.returncode == 1 and "not been prepared" in result.stderr,
               "a domain was disabled twice")

    # For cpr-vmm memory is shared as well; libvirt is asked about the program, whatever it is.
    l1.run(TOOL, "--enable", "--backend", "cpr-vmm", guest.name, qemu.EMULATOR)
    l1.require("<access mode='shared'/>" in xml(guest), "the memory was not shared")
    l1.run(TOOL, "--disable", guest.name)
    l1.require(xml(guest) == before, "the domain's XML is not what it was after all")
    result = l1.run(TOOL, "--enable", guest.name, "/usr/bin/no-such-emulator", check=False)
    l1.require(result.returncode == 1 and "no-such-emulator" in result.stderr,
               "a program that is not there was taken")
