#!/bin/busybox sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Process 1 of L1's initramfs: root = a tmpfs over (testbed files : project : tree), all over 9p.

export PATH=/bin
/bin/busybox mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev

while read -r module; do
    insmod "/modules/$module" || echo "L1 cannot load $module"
done </modules/list

fail() {
    echo "L1 FAILED: $1"
    echo o >/proc/sysrq-trigger
    sleep 60
}

options=trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144
mkdir -p /files /stage /tree /upper /root
for layer in files stage tree; do
    mount -t 9p -o $options $layer /$layer || fail "cannot mount the layer $layer"
done
mount -t tmpfs -o mode=755 tmpfs /upper
mkdir /upper/data /upper/work
mount -t overlay -o lowerdir=/files:/stage:/tree,upperdir=/upper/data,workdir=/upper/work \
    overlay /root || fail "cannot mount the overlay"
for folder in proc sys dev; do
    mount --move /$folder /root/$folder
done
exec switch_root /root /usr/lib/libvirt-cpr-testbed/l1/init.sh
