#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Process 1 of L1: sets up what a libvirt host has, then runs the scenario that the kernel command
# line names (testbed.scenario=NAME), or a shell (testbed.shell), and powers off.

. /usr/lib/libvirt-cpr-testbed/l1/libvirt-host.sh

mkdir -p $share
mount -t 9p -o trans=virtio,version=9p2000.L,cache=none,msize=262144 share $share
set_up_host
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# without huge pages guests take most of a second to find their memory again after an update
echo advise >/sys/kernel/mm/transparent_hugepage/shmem_enabled
modprobe -a kvm_amd vfio_iommu_type1 vfio_pci
start_libvirt

case $(cat /proc/cmdline) in
    *testbed.shell*)
        echo "L1 of the testbed; the run's folder is $share; 'exit' powers off"
        cd $share && setsid -c bash -i </dev/ttyS0 >/dev/ttyS0 2>&1
        ;;
    *)
        run_scenario
        ;;
esac

keep_logs
dmesg >$share/l1-dmesg.log
sync
echo o >/proc/sysrq-trigger
while :; do :; done
