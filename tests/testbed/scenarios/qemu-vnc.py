# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VNC display with a password at a unix socket, and viewers that libvirt connects, over updates."""

import importlib
import os
import pathlib
import shutil
import socket

from lib import qemu
from lib.domain import Domain
from lib.l1 import FILES
from lib.update import TOOL, Update, job
from lib.vnc import VERSION, Viewer

TIMEOUT_S = 200
QEMU_BACKEND = True
IN_CONTAINER = True

PATH = "/run/vnc.sock"
DISPLAY = f"""<graphics type='vnc' passwd='secret'><listen type='socket' socket='{PATH}'/></graphics>
    <video><model type='vga'/></video>"""
WITH_PASSWORD = bytes([1, 2])  # one kind of security: VNC authentication


def require_password(l1):
    """The display is there, takes nobody without a password, and disconnects who has a wrong one."""
    with socket.socket(socket.AF_UNIX) as viewer:
        viewer.settimeout(20)
        viewer.connect(PATH)
        l1.require(viewer.recv(12) == VERSION, "the display speaks no RFB")
        viewer.sendall(VERSION)
        l1.require(viewer.recv(2) == WITH_PASSWORD, "the display wants no password")
        viewer.sendall(b"\2")
        l1.require(len(viewer.recv(16)) == 16, "the display gives no challenge")
        viewer.sendall(bytes(16))
        told = b""
        while more := viewer.recv(4096):
            told += more
        l1.require(told.startswith(b"\0\0\0\1"), f"the display takes a wrong password: {told}")


def passed_viewer(guest):
    """One that libvirt connects, past the password, as virt-manager has it."""
    # of the machine's Python, where the host need not have it
    libvirt = importlib.import_module("libvirt")
    with libvirt.open("qemu:///system") as connection:
        fd = connection.lookupByName(guest.name).openGraphicsFD(
            0, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH)
    os.set_blocking(fd, True)
    return Viewer(connected=socket.socket(fileno=fd))


def run(l1):
    """Through an update that fails and two that succeed."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, jobs=["io@vda"], devices=(), shared_memory=False,
                   virtio=[qemu.disk(l1, "vda"), DISPLAY])
    guest.start()
    guest.wait_for_io(20, job="io-vda")
    require_password(l1)
    viewer = passed_viewer(guest)
    viewer.picture()
    program = shutil.copy(FILES / "impostor", pathlib.Path("/run/qemu-lacks-disk"))
    l1.run(TOOL, guest.name, program, check=False, timeout=90)
    l1.require(job(guest)["status"] == "rolled-back", "the update was not undone")
    viewer.picture()
    require_password(l1)
    for binary in (qemu.NEXT_QEMU, qemu.STOCK_QEMU):
        Update(guest, str(binary))
        viewer.wait_for_end()
        require_password(l1)
        viewer = passed_viewer(guest)
        viewer.picture()
        told = guest.qmp("query-vnc")
        l1.require((told["family"], told["service"], told["auth"]) == ("unix", PATH, "vnc"),
                   f"the display is said to be elsewhere: {told}")
        guest.wait_for_io(20, job="io-vda")
    guest.virsh("destroy")
    viewer.wait_for_end()
    l1.require(not pathlib.Path(PATH).exists(), f"{PATH} was left behind")
