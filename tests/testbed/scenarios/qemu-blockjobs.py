# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks of stock QEMU are copied, committed, saved, resized and changed between updates."""

import pathlib
import re

from lib import qemu
from lib.domain import Domain
from lib.libvirt_view import LibvirtView
from lib.update import TOOL, Update, job

TIMEOUT_S = 400
QEMU_BACKEND = True
IN_CONTAINER = True

BASE = pathlib.Path("/tmp/base.qcow2")
DISK = f"""<disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='{BASE}'/><target dev='vda' bus='virtio'/>
    </disk>"""
CDROM = """<disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/><source file='/tmp/one.iso'/><target dev='sda' bus='sata'/>
      <readonly/>
    </disk>"""
BACKUP = """<domainbackup mode='pull'>
  <server transport='unix' socket='/tmp/backup.sock'/>
  <disks><disk name='vda' backup='yes' type='file'><scratch file='/tmp/scratch.qcow2'/></disk></disks>
</domainbackup>"""
RUNNING = {"qemu-job-running"}
# A slow copy: bytes a second.
BANDWIDTH = 1 << 20


class Updates:
    """Updates of a guest there and back, and what they must leave as it was."""

    def __init__(self, guest):
        self.guest = guest
        self.binaries = [qemu.NEXT_QEMU, qemu.STOCK_QEMU]

    def update(self):
        """To the other QEMU: libvirt knows the same disks, and they work."""
        view, chains = LibvirtView(self.guest), self.chains()
        self.binaries.reverse()
        Update(self.guest, str(self.binaries[0]))
        LibvirtView(self.guest).require_same_as(view)
        self.guest.l1.require(self.chains() == chains,
                              f"the disks are {self.chains()}, and were {chains}")
        self.guest.wait_for_io(20, job="io-vda")

    def chains(self):
        """The disks in libvirt's XML, with all that they are based on."""
        return re.findall("<disk .*?</disk>", self.guest.virsh("dumpxml"), re.S)

    def require_refused(self, expected):
        """With these blockers, one of them at least for the job; the guest runs on."""
        l1 = self.guest.l1
        result = l1.run(TOOL, self.guest.name, self.binaries[1], check=False, timeout=90)
        found = {blocker["id"] for blocker in job(self.guest)["blockers"]}
        l1.require(result.returncode == 1 and found == expected,
                   f"the blockers are {found}, not {expected}")
        self.guest.wait_for_io(20, job="io-vda")


def disk_source(guest, name="vda"):
    """The file that libvirt shows for a disk."""
    found = re.search(rf"^\s*{name}\s+(\S+)$", guest.virsh("domblklist"), re.M)
    return found.group(1)


def require_source(guest, path, name="vda"):
    """libvirt and QEMU agree on the file that a disk is."""
    guest.l1.require(disk_source(guest, name) == str(path),
                     f"{name} is {disk_source(guest, name)}, not {path}")
    files = [disk["inserted"]["image"]["filename"] for disk in guest.qmp("query-block")
             if disk.get("inserted")]
    guest.l1.require(any(str(path) in file for file in files) or str(path) == "-",
                     f"QEMU has {files}, not {path}")


def wait_for_job_end(guest):
    """Until libvirt has seen the end of vda's job."""
    guest.l1.wait_until(lambda: "No current block job" in guest.l1.run(
        "virsh", "blockjob", guest.name, "vda", check=False).stdout + guest.l1.run(
            "virsh", "blockjob", guest.name, "vda", check=False).stderr, 60, "the job's end")


def copy(guest, updates):
    """blockdev-mirror: given up, and followed."""
    guest.virsh("blockcopy", "vda", "/tmp/copy1.qcow2", "--transient-job", "--bytes", BANDWIDTH)
    updates.require_refused(RUNNING)
    guest.virsh("blockjob", "vda", "--abort")
    updates.update()
    guest.virsh("blockcopy", "vda", "/tmp/copy2.qcow2", "--transient-job", "--wait")
    updates.require_refused(RUNNING)
    guest.virsh("blockjob", "vda", "--pivot")
    require_source(guest, "/tmp/copy2.qcow2")
    updates.update()
    require_source(guest, "/tmp/copy2.qcow2")


def snapshots(guest, updates):
    """External ones, two of them, and both committed into what they are of."""
    base = disk_source(guest)
    for name in ("first", "second"):
        guest.virsh("snapshot-create-as", name, "--disk-only", "--no-metadata", "--diskspec",
                    f"vda,file=/tmp/{name}.qcow2")
        updates.update()
        require_source(guest, f"/tmp/{name}.qcow2")
    guest.virsh("blockcommit", "vda", "--top", "/tmp/first.qcow2", "--base", base, "--wait")
    wait_for_job_end(guest)
    updates.update()
    guest.virsh("blockcommit", "vda", "--active", "--wait")
    updates.require_refused(RUNNING)
    guest.virsh("blockjob", "vda", "--pivot")
    updates.update()
    require_source(guest, base)


def backup(guest, updates):
    """In pull mode: it goes on until it is ended."""
    path = guest.l1.share / "backup.xml"
    path.write_text(BACKUP, encoding="utf-8")
    guest.virsh("backup-begin", path)
    updates.require_refused(RUNNING | {"qemu-disk-exported"})
    guest.virsh("domjobabort")
    updates.update()


def size_and_media(guest, updates):
    """A larger disk, and other disks in the drive."""
    guest.virsh("blockresize", "vda", "96M")
    updates.update()
    status, lines = guest.console.command("cat /sys/block/vda/size")
    guest.l1.require(status == 0 and lines[-1] == str((96 << 20) // 512),
                     f"the guest's disk has {lines} sectors")
    guest.virsh("change-media", "sda", "/tmp/two.iso", "--update", "--live")
    updates.update()
    require_source(guest, "/tmp/two.iso", "sda")
    guest.virsh("change-media", "sda", "--eject", "--live")
    updates.update()
    require_source(guest, "-", "sda")
    guest.virsh("change-media", "sda", "/tmp/one.iso", "--insert", "--live")
    updates.update()
    require_source(guest, "/tmp/one.iso", "sda")


def run(l1):
    """With a guest that writes to its disk all the time."""
    qemu.set_up(l1)
    l1.run("qemu-img", "create", "-q", "-f", "qcow2", BASE, "64M")
    for name in ("one", "two"):
        pathlib.Path(f"/tmp/{name}.iso").write_bytes(bytes(1 << 20))
    guest = Domain(l1, qemu.EMULATOR, jobs=["io@vda"], devices=(), shared_memory=False,
                   virtio=[DISK, CDROM])
    guest.start()
    guest.wait_for_io(50, job="io-vda")
    job(guest)  # the first command of ours is noted in `dominfo` (custom-monitor)
    updates = Updates(guest)
    for part in (copy, snapshots, backup, size_and_media):
        part(guest, updates)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
    l1.run("qemu-img", "check", "/tmp/copy2.qcow2")
