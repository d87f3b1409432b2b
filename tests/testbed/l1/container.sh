#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Process 1 of a container that takes L1's place for guests that need neither KVM nor VFIO: sets up
# what a libvirt host has, and runs the scenario.

. /usr/lib/libvirt-cpr-testbed/l1/libvirt-host.sh

set_up_host
start_libvirt
run_scenario
keep_logs
