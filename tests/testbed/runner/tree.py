# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian tree that is L1's root and in which L1's QEMU runs: trixie with backports; and one of bookworm, for
what has to be seen with older programs as well.

Built once by debootstrap in the cache folder. A build goes on where a former one was stopped, and
appears under its final name only when complete. Nothing of the host's apt set-up is changed.
"""

import dataclasses
import hashlib
import os
import re
import shutil

from .common import TestbedError, cache_dir, call, locked, output, say

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEFAULT_MIRROR = "http://deb.debian.org/debian"

# The release's own QEMU, unpacked beside that of backports: what guests are updated from.
OLDER_QEMU = "qemu-system-x86"
OLDER_ROOT = "/opt/qemu-stable"

# Raise it when the steps below change in a way that the releases' lists do not show.
RECIPE_REVISION = "1"


@dataclasses.dataclass(frozen=True)
class Release:
    """What a tree is made of.

    folder     its name in the cache
    suite      the release's name
    stock      packages of the release itself
    backports  those that are newer: QEMU (which is L1's, and the stock backend), and L1's kernel
    older      whether it has the release's own QEMU as well
    kernels    how many there are to be
    """

    folder: str
    suite: str
    stock: tuple
    backports: tuple
    older: bool
    kernels: int

    def recipe_hash(self):
        """Names the content of the tree: another recipe is another tree."""
        recipe = [RECIPE_REVISION, self.suite, f"{self.suite}-backports", *self.stock, "--", *self.backports,
                  "--", OLDER_QEMU if self.older else ""]
        return hashlib.sha256("\n".join(recipe).encode()).hexdigest()


# libvirt 11.3 and the stock kernel, which is the L2 guest's; QEMU 11.1 and 10.0.
TRIXIE = Release(
    "tree", "trixie",
    ("linux-image-amd64", "libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-daemon-system",
     "libvirt-daemon-log", "libvirt-daemon-lock", "libvirt-clients", "python3-minimal", "python3",
     "python3-libvirt", "kmod", "procps", "iproute2", "strace", "gdb-minimal", "util-linux",
     "pciutils", "busybox-static", "libglib2.0-0t64", "libxml2", "liburing2", "libseccomp2", "virtinst",
     "openssh-server", "openssh-client", "netcat-openbsd", "locales", "apparmor"),
    ("qemu-system-x86", "qemu-utils", "linux-image-amd64"), True, 2)
# libvirt 9.0, QEMU 10.0.
BOOKWORM = Release(
    "tree-bookworm", "bookworm",
    ("linux-image-amd64", "libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-daemon-system",
     "libvirt-clients", "python3", "python3-libvirt", "kmod", "procps", "iproute2", "util-linux",
     "busybox-static", "libglib2.0-0", "libxml2", "liburing2", "libseccomp2"),
    ("qemu-system-x86", "qemu-utils"), False, 1)
RELEASES = {release.suite: release for release in (TRIXIE, BOOKWORM)}

APT = ["apt-get", "-qq", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-unsafe-io",
       "-o", "Dpkg::Options::=--force-confold", "-o", "Dpkg::Use-Pty=0"]


def host_mirror():
    """The Debian mirror that the host's own apt uses."""
    targets = output(["apt-get", "indextargets", "--format", "$(ORIGIN) $(SITE) $(RELEASE)"])
    if not targets.strip() and os.geteuid() == 0:
        call(["apt-get", "-qq", "update"])
        targets = output(["apt-get", "indextargets", "--format", "$(ORIGIN) $(SITE) $(RELEASE)"])
    for line in targets.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[0] == "Debian" and "security" not in line:
            return fields[1].rstrip("/")
    return DEFAULT_MIRROR


def host_apt_options():
    """The host's settings for fetching (proxy, dates), as lines for an apt.conf."""
    dump = output(["apt-config", "dump"])
    return [line for line in dump.splitlines()
            if re.match(r'Acquire::(https?::|Check-|Languages|Retries)', line)]


class TreeBuilder:
    """Builds the tree step by step in a `.partial` folder; a step done is not done again."""

    def __init__(self, release, final):
        self.release = release
        self.final = final
        self.root = final.with_name(final.name + ".partial")
        self.steps = final.with_name(final.name + ".steps")
        self.log = None

    def build(self):
        """Run the missing steps and put the tree in its place."""
        stamp = self.steps / "recipe"
        if not stamp.exists() or stamp.read_text() != self.release.recipe_hash():
            shutil.rmtree(self.root, ignore_errors=True)
            shutil.rmtree(self.steps, ignore_errors=True)
            self.steps.mkdir(parents=True)
            stamp.write_text(self.release.recipe_hash())
        log_path = self.final.with_name(self.final.name + ".log")
        with open(log_path, "a", encoding="utf-8") as self.log:
            for name in ("bootstrap", "sources", "stock", "backports", "older", "clean"):
                done = self.steps / name
                if not done.exists():
                    say(f"tree: {name} (log: {log_path})")
                    getattr(self, "step_" + name)()
                    done.touch()
        (self.root / ".libvirt-cpr-recipe").write_text(self.release.recipe_hash())
        shutil.rmtree(self.final, ignore_errors=True)
        self.root.rename(self.final)
        shutil.rmtree(self.steps)

    def step_bootstrap(self):
        """The base system."""
        call(["debootstrap", "--variant=minbase", f"--keyring={KEYRING}", self.release.suite, self.root,
              host_mirror()], log=self.log)

    def step_sources(self):
        """apt inside the tree, and no service ever started by a package."""
        mirror = host_mirror()
        suite = self.release.suite
        lines = [f"deb [signed-by={KEYRING}] {mirror} {name} main"
                 for name in (suite, f"{suite}-updates", f"{suite}-backports")]
        (self.root / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
        (self.root / "etc/apt/apt.conf.d/90testbed").write_text(
            "\n".join(host_apt_options()) + "\n")
        shutil.copy(KEYRING, self.root / KEYRING.lstrip("/"))
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        shutil.copy("/etc/hosts", self.root / "etc/hosts")
        self.in_tree(["apt-get", "-qq", "update"])

    def step_stock(self):
        """libvirt and the guest's kernel, of the release."""
        self.in_tree([*APT, "install", *self.release.stock])

    def step_backports(self):
        """QEMU and L1's kernel, from backports."""
        self.in_tree([*APT, "-t", f"{self.release.suite}-backports", "install",
                      *self.release.backports])

    def step_older(self):
        """A second QEMU, which shares firmware and libraries with the first."""
        if not self.release.older:
            return
        self.in_tree(["sh", "-ec", f"""
            cd /tmp
            apt-get -qq -o APT::Sandbox::User=root download {OLDER_QEMU}/{self.release.suite}
            dpkg -x {OLDER_QEMU}_*.deb {OLDER_ROOT}
            rm {OLDER_QEMU}_*.deb
            rm -rf {OLDER_ROOT}/usr/share
            ln -s /usr/share {OLDER_ROOT}/usr/share"""])

    def step_clean(self):
        """What no run needs."""
        self.in_tree(["apt-get", "clean"])

    def in_tree(self, argv):
        """Run a program in the tree, its mounts in a mount namespace of their own."""
        script = ('mount -t proc proc "$0/proc" && mount -t sysfs -o ro sys "$0/sys" && '
                  'mount --bind /dev "$0/dev" && exec chroot "$0" "$@"')
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C.UTF-8", "HOME": "/root",
            # no initramfs is wanted: L1 and L2 have their own
            "INITRD": "No",
        }
        call(["unshare", "-m", "--propagation", "private", "sh", "-c", script, self.root, *argv],
             log=self.log, env=environment)


class Tree:
    """A finished tree and what the runner asks of it."""

    def __init__(self, root, release):
        self.root = root
        self.release = release
        self.recipe = release.recipe_hash()

    def kernels(self):
        """Versions of the kernels in the tree, oldest first."""
        def key(version):
            return [int(n) for n in re.findall(r"\d+", version)[:3]]
        return sorted((p.name.removeprefix("vmlinuz-") for p in self.root.glob("boot/vmlinuz-*")),
                      key=key)

    def l1_kernel(self):
        """The backports kernel, which is L1's."""
        return self.kernels()[-1]

    def l2_kernel(self):
        """The stock kernel, which is the guest's."""
        return self.kernels()[0]

    def modules(self, kernel, names):
        """Paths of the modules `names` and all they need, in the order of loading."""
        listing = output(["chroot", self.root, "modprobe", "-S", kernel, "--show-depends",
                          "--all", *names])
        paths = []
        for line in listing.splitlines():
            fields = line.split()
            if fields[0] == "insmod" and fields[1] not in paths:
                paths.append(fields[1])
        return [self.root / path.lstrip("/") for path in paths]


def ensure_tree(release=TRIXIE):
    """The tree of a release, built or rebuilt if need be."""
    final = cache_dir() / release.folder
    recipe = release.recipe_hash()
    with locked(cache_dir() / f"{release.folder}.lock"):
        stamp = final / ".libvirt-cpr-recipe"
        if not stamp.exists() or stamp.read_text() != recipe:
            TreeBuilder(release, final).build()
    tree = Tree(final, release)
    if len(tree.kernels()) < release.kernels:
        raise TestbedError(f"{final} has fewer than {release.kernels} kernels; remove the folder to build it anew")
    return tree
