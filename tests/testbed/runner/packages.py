# SPDX-License-Identifier: LGPL-2.1-or-later
"""The project's Debian packages, built in a clean tree as a build daemon would."""

import os
import pathlib
import tempfile

from .common import SOURCE_DIR, cache_dir, call, say
from .stage import copy_if_changed, source_files

# In namespaces of its own, on an overlay that is thrown away: what a build needs is in no other
# scenario's tree. $0 is an empty folder, $1 the tree, $2 the script to run in it, $3 and $4 sources
# and the folder for the packages.
IN_CLEAN_TREE = """
set -e
scratch=$0 tree=$1 script=$2 sources=$3 packages=$4 root=$0/root
mount -t tmpfs -o mode=755 tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$root"
mount -t overlay -o "lowerdir=$tree,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$root"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mkdir "$root/sources" "$root/packages"
mount --bind "$sources" "$root/sources"
mount --bind "$packages" "$root/packages"
exec chroot "$root" sh -ec "$script"
"""

APT = "apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 -o APT::Sandbox::User=root"

# From the source package, so that that one is whole too. Packages for OpenStack need half of that, and are apart.
BUILD = f"""
apt-get -qq update
{APT} install dpkg-dev lintian
cp -r /sources /build
cd /build
{APT} build-dep .
version=$(dpkg-parsechangelog -S Version)
tar -cJf ../libvirt-cpr_${{version%-*}}.orig.tar.xz --exclude=./debian --transform s,^.,libvirt-cpr, .
dpkg-source -b .
cd ..
dpkg-source -x libvirt-cpr_$version.dsc unpacked
cd unpacked
dpkg-buildpackage -b -us -uc
cd ..
lintian --fail-on error --suppress-tags bad-distribution-in-changes-file libvirt-cpr_*.changes
dpkg-deb -x libvirt-cpr_${{version}}_*.deb installed
apparmor_parser -QKp -I installed/etc/apparmor.d /etc/apparmor.d/libvirt/TEMPLATE.qemu >profile
grep virt-cpr-controller profile
grep systemd/journal/socket profile
cp *.deb *.dsc *.tar.* /packages
mkdir /packages/nova
mv /packages/*-nova_*.deb /packages/nova
"""

# What they depend on and a host may lack.
FETCH = f"""
apt-get -qq update
{APT} install --download-only -o Dir::Cache::archives=/packages /packages/*.deb
rm -rf /packages/partial /packages/lock
"""


def in_clean_tree(tree, script, sources, packages, log):
    """Run the script in a copy of the tree."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
                   "LC_ALL": "C.UTF-8", "HOME": "/root",
                   "DEB_BUILD_OPTIONS": f"nocheck noautodbgsym parallel={os.cpu_count()}"}
    with tempfile.TemporaryDirectory(prefix="package.", dir=cache_dir()) as scratch:
        call(["unshare", "--mount", "--propagation", "private", "sh", "-c", IN_CLEAN_TREE, scratch,
              tree.root, script, sources, packages], log=log, env=environment)


def build_packages(tree, run):
    """Build the packages into the folder `packages` of the run, with those they depend on."""
    packages = run.share / "packages"
    packages.mkdir()
    log_path = run.share / "packages.log"
    say(f"building the packages (log: {log_path})")
    with tempfile.TemporaryDirectory(prefix="sources.", dir=cache_dir()) as sources, \
            open(log_path, "w", encoding="utf-8") as log:
        os.chmod(sources, 0o755)
        for path in source_files():
            copy_if_changed(SOURCE_DIR / path, pathlib.Path(sources) / path)
        for script in (BUILD, FETCH):
            in_clean_tree(tree, script, sources, packages, log)
