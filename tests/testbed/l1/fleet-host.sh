#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Process 1 of a host of a fleet in a container ($1 is its name): it has mount, process and network namespaces of its own, shares
# the container's programs, and has everything else for itself: settings, packages, state, libvirt's and ssh's daemons.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
set -e
hostname "$1"
ip link set lo up
own=/run/fleet/$1
mkdir -p "$own/etc" "$own/dpkg" "$own/apt/lists/partial" "$own/vmm" "$own/home/.ssh"
cp -a /etc/. "$own/etc"
cp -a /var/lib/dpkg/. "$own/dpkg"
cp -a /root/.ssh/authorized_keys "$own/home/.ssh"
echo 'deb [trusted=yes] file:/srv/fleet ./' >"$own/etc/apt/sources.list"
mount --bind "$own/etc" /etc
mount --bind "$own/dpkg" /var/lib/dpkg
mount --bind "$own/apt" /var/lib/apt
mount --bind "$own/home" /root
mount --bind "$own/vmm" /usr/lib/vendor-qemu
for folder in /tmp /var/log /var/cache/apt /var/lib/libvirt /var/cache/libvirt /run; do
    mount -t tmpfs -o mode=1777 tmpfs $folder
done
mkdir -p /var/log/libvirt/qemu /run/lock /run/sshd
chmod 755 /run/sshd
virtlogd -d
libvirtd -d
/usr/sbin/sshd -o UsePAM=no -o StrictModes=no
touch /run/host-is-up
# not by exec: whoever is process 1 has to wait for those that lost their parents
sleep infinity
:
