# SPDX-License-Identifier: LGPL-2.1-or-later
"""What libvirt shows after an update of QEMU, and of cpr-vmm, differs by the manual's table, no more and no less."""

import pathlib
import shutil

from lib import qemu
from lib.bench import TINY_KERNEL
from lib.domain import BOOT_SECONDS, EMULATOR, READY, Domain
from lib.libvirt_view import Events, ManualsTables, looks
from lib.update import NEXT_VMM, Update

# The kernel of the machine itself may have no KVM.
BY_HAND = True
TIMEOUT_S = 400
QEMU_BACKEND = True
IN_CONTAINER = True
# For cpr-vmm; that KVM may be one that can run no real kernel.
HOST_KVM = True

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs/what-libvirt-shows.md"
EXEC_EMULATOR = pathlib.Path("/usr/bin/virt-cpr-exec-qemu")
CHANNEL = """<channel type='unix'><source mode='bind' path='/run/channel.sock'/>
      <target type='virtio' name='org.example.0'/></channel>"""
# What the guest without Linux says all the time; its first words are too early for us.
ALIVE = "^alive"
# More than the guest's kernel has of memory that was in use before.
GROW = "dd if=/dev/zero bs=1M count=16 2>/dev/null >>/grown"


def host_prepare(run):
    """The table."""
    shutil.copy(PAGE, run.share)


def work_of_linux(guest):
    """Requests of the disk, and memory that the guest has not had before."""
    guest.wait_for_io(20, job="io-vda")
    status, lines = guest.console.command(GROW)
    guest.l1.require(status == 0, f"the guest cannot use memory: {lines}")


def work_of_tiny(guest):
    """It does nothing but compute."""
    guest.l1.sleep(1)
    guest.console.wait_for(ALIVE, 30, guest.console.position())


def compare(guest, binary, work, manual):
    """One update, with all that is shown before, meanwhile and after: all fields, and what is not by the tables."""
    # Not by Domain.start(): why a domain runs shows as well, and most are not started paused.
    guest.virsh("start")
    guest.attach_console()
    guest.console.wait_for(f"{READY}|{ALIVE}", BOOT_SECONDS)
    work(guest)
    before = looks(guest, lambda: work(guest))
    events = Events(guest)
    Update(guest, str(binary))
    seen = events.stop()
    # not for long: what counts anew may not get to where it was; QEMU takes most of a second to announce the guest
    guest.l1.sleep(1)
    after = {**looks(guest, lambda: work(guest)), **{event: ["1"] for event in seen}}
    found = manual.differences(before, after)
    for field, kind in found.items():
        guest.l1.log(f"differs: {' '.join(field)}: {kind}: {before.get(field)}, {after.get(field)}")
    guest.l1.report(f"{guest.name}: {len(before)} fields compared, {len(found)} differences, events included")
    guest.virsh("destroy")
    return {**before, **after}, [f"{guest.name}: {text}" for text in manual.contradictions(before, after)]


def run(l1):
    """QEMU in both modes, and cpr-vmm."""
    page = (l1.share / PAGE.name).read_text(encoding="utf-8")
    qemu.set_up(l1)
    qemu.add_emulator(l1, EXEC_EMULATOR, qemu.STOCK_QEMU, mode="exec")
    network = qemu.network(l1)
    guests = [(f"QEMU, {name}", qemu.NEXT_QEMU, work_of_linux, Domain(
        l1, emulator, name=name, vcpus=2, jobs=["io@vda", "ticker"], devices=(), shared_memory=False,
        virtio=[qemu.disk(l1, "vda"), network, CHANNEL], kvm=False))
              for name, emulator in (("transfer", qemu.EMULATOR), ("exec", EXEC_EMULATOR))]
    guests.append(("cpr-vmm", NEXT_VMM, work_of_tiny, Domain(
        l1, EMULATOR, name="cpr-vmm", memory_mib=1024, devices=(), kernel=TINY_KERNEL)))
    fields, wrong = {}, []
    for column, binary, work, guest in guests:
        manual = ManualsTables(page, column)
        shown, contradictions = compare(guest, binary, work, manual)
        fields.update(shown)
        wrong += contradictions
    wrong += [f"{' '.join(pattern)} is not there" for pattern in sorted(manual.unused(fields))]
    l1.require(not wrong, "libvirt shows something else than the manual says:\n" + "\n".join(wrong))
