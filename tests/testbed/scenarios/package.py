# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian packages are built in a clean tree, installed, update a guest, and go without a trace."""

import os

from lib import qemu
from lib.domain import Domain
from lib.l1 import FILES
from lib.update import Update, require_nothing_left

TIMEOUT_S = 300
QEMU_BACKEND = True
IN_CONTAINER = True
PACKAGED = True
# It compiles everything once more.
BY_HAND = True

FOLDERS = ("/etc", "/opt", "/srv", "/usr", "/var/lib/dpkg/info", "/var/spool")
# Rewritten by any installation.
CACHES = {"/etc/ld.so.cache", "/etc/libvirt/qemu.conf"}


def all_files():
    """Every file of the system but what runs write."""
    found = set()
    for top in FOLDERS:
        for folder, folders, files in os.walk(top):
            found.update(os.path.join(folder, name) for name in folders + files)
    return {path for path in found if "/__pycache__" not in path} - CACHES


def packages(l1):
    """The files of all packages, with those of the release that they depend on."""
    return sorted((l1.share / "packages").glob("*.deb"))


def installed(l1):
    """The names of the packages."""
    return [path.name.split("_")[0] for path in packages(l1)]


def install(l1):
    """As an administrator would from a folder of packages; once more, it is an upgrade."""
    l1.run("dpkg", "-i", *packages(l1), timeout=120)


def require_kept(l1, why):
    """The package manager does not remove the programs, and says why; but it upgrades them."""
    for argv in (("dpkg", "--remove", "libvirt-cpr"), ("dpkg", "--purge", *installed(l1))):
        result = l1.run(*argv, check=False, timeout=60)
        l1.require(result.returncode != 0, f"{argv} was not refused: {why}")
        l1.require(why in result.stderr, f"{argv} does not say '{why}': {result.stderr}")
        install(l1)


def start_guest(l1):
    """A guest on the packages' emulator program. It only runs: others show what an update keeps."""
    qemu.set_up(l1, modules=True)
    guest = Domain(l1, qemu.EMULATOR, memory_mib=32, devices=(), shared_memory=False,
                   kernel=FILES / "tiny-kernel")
    guest.start(ready=False)
    return guest


def check_running(l1, guest):
    """Updates work, also after an upgrade of the packages, and a removal is refused."""
    Update(guest, str(qemu.NEXT_QEMU))
    require_kept(l1, f"in use by running domains: {guest.name}")
    Update(guest, str(qemu.STOCK_QEMU))


def check_diverted(l1):
    """A VMM that the emulator program stands for keeps it as well."""
    l1.run("virt-cpr-emulators", "divert", qemu.STOCK_QEMU)
    require_kept(l1, f"stands in the place of {qemu.STOCK_QEMU}")
    l1.run("virt-cpr-emulators", "undivert", qemu.STOCK_QEMU)


def require_no_trace(l1, before, own):
    """Every file is there that was there before, and none that was not."""
    after = all_files()
    left, gone = sorted(after - before - own), sorted(before - after)
    l1.require(not left, f"left behind: {left[:10]}")
    l1.require(not gone, f"removed, though of others: {gone[:10]}")


def run(l1):
    """Install, update, remove."""
    before = all_files()
    install(l1)
    l1.run("virt-cpr-emulators", "list")
    guest = start_guest(l1)
    check_running(l1, guest)
    guest.virsh("destroy")
    require_nothing_left(l1)
    check_diverted(l1)
    own = {str(qemu.EMULATOR), str(qemu.NEXT_QEMU), f"/etc/libvirt/qemu/{guest.name}.xml"}
    l1.run("dpkg", "--purge", *installed(l1), timeout=60)
    require_no_trace(l1, before, own)
