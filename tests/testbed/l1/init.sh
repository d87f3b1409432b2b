#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Process 1 of L1: sets up what a libvirt host has, then runs the scenario that the kernel command
# line names (testbed.scenario=NAME), or a shell (testbed.shell), and powers off.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
files=/usr/lib/libvirt-cpr-testbed
share=/testbed

mkdir -p $share /dev/pts /dev/shm
mount -t 9p -o trans=virtio,version=9p2000.L,cache=none,msize=262144 share $share
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
for folder in /tmp /run /dev/shm /var/log /var/lib/libvirt /var/cache/libvirt; do
    mount -t tmpfs -o mode=1777 tmpfs $folder
done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /var/log/libvirt/qemu /run/lock
hostname testbed
ip link set lo up
ulimit -c 0
# without huge pages guests take most of a second to find their memory again after an update
echo advise >/sys/kernel/mm/transparent_hugepage/shmem_enabled

modprobe -a kvm_amd vfio_iommu_type1 vfio_pci

virtlogd -d
libvirtd -d

case $(cat /proc/cmdline) in
    *testbed.shell*)
        echo "L1 of the testbed; the run's folder is $share; 'exit' powers off"
        cd $share && setsid -c bash -i </dev/ttyS0 >/dev/ttyS0 2>&1
        ;;
    *)
        python3 -B $files/l1/main.py </dev/null >$share/scenario.log 2>&1
        ;;
esac

cp -r /var/log/libvirt $share/libvirt-logs 2>/dev/null
dmesg >$share/l1-dmesg.log
sync
echo o >/proc/sysrq-trigger
while :; do :; done
