# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest exactly as virt-install makes it is updated, and its VNC display takes viewers again."""

import pathlib
import shutil

from lib import qemu
from lib.domain import QEMU, Domain
from lib.l1 import FILES
from lib.libvirt_view import LibvirtView
from lib.update import TOOL, Update, job, require_each_tick_once
from lib.vnc import Knocker, Viewer, address_of

TIMEOUT_S = 300
QEMU_BACKEND = True
IN_CONTAINER = True

DISK = pathlib.Path("/var/lib/libvirt/images/guest.qcow2")
MEMORY_MIB = 512


def virt_install(l1):
    """A maker of XML: what virt-install prints, with another emulator."""
    def make(name, kernel, initrd, cmdline):
        DISK.parent.mkdir(exist_ok=True)
        l1.run("qemu-img", "create", "-q", "-f", "qcow2", DISK, "64M")
        return l1.run(
            "virt-install", "--connect", "qemu:///system", "--print-xml", "--name", name,
            "--memory", MEMORY_MIB, "--vcpus", 2, "--osinfo", "debian12", "--import", "--network", "none",
            "--virt-type", "kvm" if l1.has_kvm else "qemu", "--disk", DISK, "--boot",
            f"emulator={qemu.EMULATOR},kernel={kernel},initrd={initrd},"
            f"kernel_args=\"{cmdline}\"").stdout
    return make


def check_addresses(guest, viewer, address):
    """QEMU's own word on its display has the addresses that the viewer knows."""
    told = guest.qmp("query-vnc")
    guest.l1.require((told["host"], told["service"]) == (address[0], str(address[1])) and
                     told["family"] == "ipv4", f"the display is said to be elsewhere: {told}")
    guest.l1.require(viewer.port in [client["service"] for client in told["clients"]],
                     f"the viewer from port {viewer.port} is not known: {told}")


def fail(guest, name, address):
    """An update to a QEMU that is no good; a viewer does not notice."""
    viewer = Viewer(address)
    program = shutil.copy(FILES / "impostor", pathlib.Path("/run") / f"qemu-{name}")
    guest.l1.run(TOOL, guest.name, program, check=False, timeout=90)
    guest.l1.require(job(guest)["status"] == "rolled-back",
                     f"an update to {program} was not undone")
    viewer.picture()
    check_addresses(guest, viewer, address)
    viewer.close()
    Viewer(address).close()
    guest.wait_for_io(20, job="io-vda")


def run(l1):
    """With a viewer each time, through updates that fail and that succeed."""
    qemu.set_up(l1, modules=True)
    # without one in its usual place virt-install takes the host for one without QEMU
    pathlib.Path(QEMU).symlink_to(qemu.STOCK_QEMU)
    guest = Domain(l1, qemu.EMULATOR, jobs=["io@vda", "ticker"], make_xml=virt_install(l1))
    guest.start()
    guest.wait_for_io(50, job="io-vda")
    job(guest)  # the first command of ours is noted in `dominfo` (custom-monitor)
    view = LibvirtView(guest)
    address = address_of(guest.virsh("vncdisplay"))
    for name in ("ends", "lacks-disk"):
        fail(guest, name, address)
    for binary in (qemu.NEXT_QEMU, qemu.STOCK_QEMU):
        viewer = Viewer(address)
        l1.require(len(viewer.picture()) == viewer.width * viewer.height * 4, "a part of the picture is missing")
        check_addresses(guest, viewer, address)
        knocker = Knocker(address)
        update = Update(guest, str(binary))
        viewer.wait_for_end()
        viewer = Viewer(address)
        viewer.picture()
        check_addresses(guest, viewer, address)
        viewer.close()
        knocker.stop()
        l1.report(f"pause {update.describe_pause()}; {knocker.count} viewers meanwhile, {knocker.refused} refused, "
                  f"{knocker.dropped} dropped, longest wait {knocker.longest_ns / 1e6:.0f} ms")
        l1.require(knocker.refused == 0, "the display's address was closed")
        guest.wait_for_io(50, job="io-vda")
        LibvirtView(guest).require_same_as(view)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    guest.virsh("shutdown")
    guest.wait_for_state("shut off")
    l1.run("qemu-img", "check", DISK)
