# SPDX-License-Identifier: LGPL-2.1-or-later
"""VMMs that are another user's than root, as Debian has them."""

import os
import pathlib
import pwd

from .process import status_of

CONFIG = pathlib.Path("/etc/libvirt/qemu.conf")
USER = "libvirt-qemu"


def become_unprivileged(l1):
    """VMMs run as Debian's default user; /dev/kvm has the mode that udev gives it."""
    lines = [line for line in CONFIG.read_text(encoding="utf-8").splitlines()
             if not line.startswith(("user", "group"))]
    CONFIG.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if l1.has_kvm:
        os.chmod("/dev/kvm", 0o666)
    l1.restart_libvirt()


def require_unprivileged(l1, pid):
    """The process is the user's, and may do nothing else."""
    status = status_of(pathlib.Path(f"/proc/{pid}"))
    uid = str(pwd.getpwnam(USER).pw_uid)
    l1.require(set(status["Uid"].split()) == {uid}, f"{status['Name']} has uids {status['Uid']}")
    l1.require(int(status["CapEff"], 16) == 0, f"{status['Name']} has {status['CapEff']}")
