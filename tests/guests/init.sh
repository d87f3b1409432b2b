#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Process 1 of the L2 guest. The kernel command line says what it does:
#   cpr.job=NAME[,NAME...]   io, ticker, smp: programs that run from the start; io@DISK is io on
#                            that disk instead of nvme0n1, and prints io-DISK
#   cpr.sata, cpr.virtio     load the drivers of SATA disks, of virtio devices
#   cpr.depth=N              requests at a time of the io job (8)
#   cpr.blocks=N             4 KiB blocks that the io job works on (2048)
#   cpr.tick=N               interval of the ticker job in ms (50)
# Then the console is a shell without echo and prompt.

export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /tmp
[ -c /dev/ttyS0 ] && exec </dev/ttyS0 >/dev/ttyS0 2>&1

# Read by the module loader's list: one file a line, in the order of loading.
load_modules() {
    while read -r module; do
        insmod "/modules/$module" || echo "GUEST cannot load $module"
    done <"$1"
}
load_modules /modules/list
for group in sata virtio; do
    grep -qw cpr.$group /proc/cmdline && load_modules /modules/$group
done

option() {
    sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p" /proc/cmdline
}
depth=$(option cpr.depth)
blocks=$(option cpr.blocks)
tick=$(option cpr.tick)

wait_for() {
    tries=200
    while [ ! -e "$1" ] && [ $tries -gt 0 ]; do
        sleep 0.05
        tries=$((tries - 1))
    done
    [ -e "$1" ] || echo "GUEST has no $1"
}

stty -echo
# The kernel would write into the middle of the jobs' lines.
dmesg -n 1
powerbutton &
echo "GUEST KERNEL $(uname -r) CPUS $(nproc)"
echo "GUEST READY"
for job in $(option cpr.job | tr , ' '); do
    case $job in
        io) wait_for /dev/nvme0n1; ioverify run /dev/nvme0n1 "${depth:-8}" "${blocks:-2048}" io & ;;
        io@*)
            disk=${job#io@}
            wait_for "/dev/$disk"
            ioverify run "/dev/$disk" "${depth:-8}" "${blocks:-2048}" "io-$disk" &
            ;;
        ticker) ticker "${tick:-50}" & ;;
        smp) smpcount & ;;
        *) echo "GUEST knows no job $job" ;;
    esac
done
export PS1='' PS2=''
while :; do
    setsid cttyhack sh
done
