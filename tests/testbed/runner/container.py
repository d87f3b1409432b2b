# SPDX-License-Identifier: LGPL-2.1-or-later
"""A container of the host, in L1's place for guests that need neither KVM nor VFIO."""

import subprocess
import tempfile

from .common import cache_dir
from .process import die_with_parent, end, wait

# As process 1 of namespaces of its own: the overlay that is L1's root, with what programs expect
# of a kernel; nothing in it reaches the host's devices or settings. $0 is an empty folder for the
# mounts, $1 to $4 tree (under its layers), project, testbed files and run; $5 stands for a kernel's
# command line; $6 is empty, or a device more.
ENTER_CONTAINER = """
set -e
scratch=$0 tree=$1 stage=$2 files=$3 run=$4 root=$0/root
mount -t tmpfs -o mode=755 tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$root"
printf '%s\\n' "$5" >"$scratch/cmdline"
mount -t overlay -o "lowerdir=$files:$stage:$tree,upperdir=$scratch/upper,workdir=$scratch/work" \
    overlay "$root"
mount -t proc proc "$root/proc"
mount --bind "$scratch/cmdline" "$root/proc/cmdline"
[ ! -e "$root/proc/sysrq-trigger" ] || mount --bind /dev/null "$root/proc/sysrq-trigger"
mount -t sysfs -o ro sysfs "$root/sys"
mount --bind "$run" "$root/testbed"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/net"
for node in null zero full random urandom tty net/tun $6; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
exec chroot "$root" /usr/lib/libvirt-cpr-testbed/l1/container.sh
"""

NAMESPACES = ["--mount", "--pid", "--net", "--uts", "--ipc"]


class Container:
    """One run of the container. Owns its first process, which dies with the runner, and with it all
    others."""

    def __init__(self, tree, run, layers=()):
        """`layers` are folders that are laid over the tree, under all else, topmost first."""
        self.lower = ":".join(map(str, [*layers, tree.root]))
        self.run = run
        self.process = None
        self.scratch = None

    def start(self, append, kvm=False):
        """Start it, with the host's KVM if that is wanted; `append` is what L1 would have on its
        kernel's command line."""
        # pylint: disable-next=consider-using-with
        self.scratch = tempfile.TemporaryDirectory(prefix="container.", dir=cache_dir())
        argv = ["unshare", *NAMESPACES, "--propagation", "private", "--fork", "--kill-child", "--",
                "sh", "-c", ENTER_CONTAINER, self.scratch.name, self.lower, self.run.stage,
                self.run.files, self.run.share, f"{append} testbed.container",
                *(["kvm"] if kvm else [])]
        with open(self.run.share / "console.log", "wb") as log:
            self.process = subprocess.Popen(
                [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent, start_new_session=True)

    def wait(self, timeout):
        """Wait for the end of the scenario; whether it came in time."""
        return wait(self.process, timeout)

    def stop(self):
        """End it, if it runs."""
        if self.process is not None:
            end(self.process)
        if self.scratch is not None:
            self.scratch.cleanup()
            self.scratch = None
