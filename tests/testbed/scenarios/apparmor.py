# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that libvirt confines by AppArmor are updated, and brought back, within their own profiles."""

import pathlib
import re
import shutil

from lib import qemu
from lib.domain import EMULATOR, Domain
from lib.faults import ENVIRONMENT, MMAP, Fault, Injector, killed
from lib.l1 import FILES
from lib.unprivileged import CONFIG, become_unprivileged
from lib.update import (NEXT_VMM, TOOL, VMM, Update, controller_pid, job, require_each_tick_once,
                        require_nothing_left)

TIMEOUT_S = 600
MEMORY_MIB = 6144
QEMU_BACKEND = True

PROFILES = pathlib.Path("/etc/apparmor.d")
ADDED = PROFILES / "abstractions/libvirt-qemu.d/libvirt-cpr"
# What the manual leaves to the administrator: VMMs elsewhere; and the testbed's own files.
LOCAL = ADDED.with_name("testbed")
LOCAL_RULES = f"""
  {qemu.STOCK_QEMU.parent}/*qemu-system-x86_64 rmix,
  {FILES}/** rm,
  /run/cpr-fault-page rw,
"""
# virt-aa-helper refuses one in /usr/lib.
INITRD = pathlib.Path("/boot/guest.cpio")
EXEC_EMULATOR = pathlib.Path("/usr/bin/virt-cpr-qemu-exec-mode")


def confine(l1):
    """As on a host of Debian's: libvirt's daemon has its profile, and guests run as its user."""
    l1.run("mount", "-t", "securityfs", "securityfs", "/sys/kernel/security")
    enabled = pathlib.Path("/sys/module/apparmor/parameters/enabled").read_text(encoding="ascii")
    l1.require(enabled.strip() == "Y", "L1's kernel has no AppArmor")
    LOCAL.write_text(LOCAL_RULES, encoding="ascii")
    l1.run("apparmor_parser", "-r", PROFILES / "usr.sbin.libvirtd",
           PROFILES / "usr.lib.libvirt.virt-aa-helper", timeout=120)
    shutil.copy(FILES / INITRD.name, INITRD)
    lines = CONFIG.read_text(encoding="utf-8").splitlines(keepends=True)
    CONFIG.write_text("".join(line for line in lines if not line.startswith("security_driver")), encoding="utf-8")
    become_unprivileged(l1)


def profile_of(pid):
    """What the kernel says of the process."""
    return pathlib.Path(f"/proc/{pid}/attr/current").read_text(encoding="ascii").strip()


def require_profile(l1, guest):
    """Controller and VMM have the domain's own profile, in force."""
    wanted = f"libvirt-{guest.virsh('domuuid')} (enforce)"
    for pid in (guest.vmm_pid(), controller_pid(l1)):
        l1.require(profile_of(pid) == wanted, f"process {pid} has the profile {profile_of(pid)}")


def denials(l1):
    """What AppArmor has denied to guests."""
    lines = l1.run("dmesg").stdout.splitlines()
    return [line for line in lines if 'apparmor="DENIED"' in line and re.search('profile="libvirt-', line)]


def require_no_denials(l1):
    """Nothing that one of the programs has tried was denied."""
    found = denials(l1)
    l1.require(not found, f"AppArmor has denied: {found[:5]}")


def update_there_and_back(l1, guest, next_binary, binary):
    """Two updates; nothing was denied."""
    require_profile(l1, guest)
    for program in (next_binary, binary):
        Update(guest, str(program))
        require_profile(l1, guest)
    require_no_denials(l1)


def lose_new_vmm(l1, guest, injector):
    """The old binary comes back, by an execve of its own or as another process."""
    injector.arm(Fault(pathlib.Path(NEXT_VMM).name, MMAP, killed("SIGKILL")),
                 pathlib.Path(NEXT_VMM).name)
    result = l1.run(TOOL, guest.name, NEXT_VMM, check=False, timeout=90)
    last = job(guest)
    l1.require(result.returncode == 1 and last["status"] == "rolled-back",
               f"the update ended as {last['status']}: {last}")
    require_profile(l1, guest)
    guest.wait_for_io(20)


def try_cpr_vmm(l1):
    """With a device passed through, and a rollback."""
    injector = Injector()
    guest = Domain(l1, EMULATOR, vcpus=2, jobs=["io", "ticker"], environment=ENVIRONMENT, initrd=INITRD)
    guest.start()
    guest.wait_for_io(20)
    update_there_and_back(l1, guest, NEXT_VMM, VMM)
    lose_new_vmm(l1, guest, injector)
    guest.wait_for_io(20)
    require_each_tick_once(l1, guest.console)
    guest.require_no_complaints()
    require_no_denials(l1)
    guest.virsh("destroy")
    require_nothing_left(l1)


def try_qemu(l1, emulator):
    """Stock QEMU behind that emulator program."""
    guest = Domain(l1, str(emulator), name=emulator.name, memory_mib=256, devices=(), jobs=["ticker"],
                   shared_memory=False, initrd=INITRD)
    guest.start()
    update_there_and_back(l1, guest, qemu.NEXT_QEMU, qemu.STOCK_QEMU)
    require_each_tick_once(l1, guest.console)
    guest.virsh("destroy")


def require_needed(l1):
    """Without what is added to the profiles no limit of a thread can be overlooked, and no guest starts: AppArmor is in
    force."""
    guest = Domain(l1, EMULATOR, name="refused", devices=(), initrd=INITRD)
    rules = ADDED.read_text(encoding="ascii").splitlines(keepends=True)
    ADDED.write_text("".join(line for line in rules if "cpuset" not in line), encoding="ascii")
    guest.virsh("start", "--paused")
    result = l1.run(TOOL, "--check", guest.name, NEXT_VMM, check=False)
    l1.require(result.returncode == 1 and "cannot open '/sys/fs/cgroup/" in result.stderr,
               f"limits that cannot be read were overlooked: {result.stderr}")
    guest.virsh("destroy")
    ADDED.unlink()
    result = l1.run("virsh", "start", guest.name, check=False)
    l1.require(result.returncode != 0, "the guest started without the rules")


def run(l1):
    """cpr-vmm, QEMU in both modes, and a guest without the rules."""
    qemu.set_up(l1)
    qemu.add_emulator(l1, EXEC_EMULATOR, qemu.STOCK_QEMU, mode="exec")
    confine(l1)
    try_cpr_vmm(l1)
    for emulator in (qemu.EMULATOR, EXEC_EMULATOR):
        try_qemu(l1, emulator)
    require_needed(l1)
