# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Read by init.sh and container.sh: sets up what a libvirt host has beside file systems of the
# kernel's, and runs the scenario. $share is the run's folder.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
files=/usr/lib/libvirt-cpr-testbed
share=/testbed

set_up_host() {
    mkdir -p /dev/pts /dev/shm
    mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts /dev/pts
    for folder in /tmp /run /dev/shm /var/log /var/lib/libvirt /var/cache/libvirt; do
        mount -t tmpfs -o mode=1777 tmpfs $folder
    done
    mkdir -p /var/log/libvirt/qemu /run/lock
    hostname testbed
    ip link set lo up
    ulimit -S -c 0
}

start_libvirt() {
    virtlogd -d
    libvirtd -d
}

run_scenario() {
    python3 -B $files/l1/main.py </dev/null >$share/scenario.log 2>&1
}

keep_logs() {
    cp -r /var/log/libvirt $share/libvirt-logs 2>/dev/null
}
