# SPDX-License-Identifier: LGPL-2.1-or-later
# Everything of cpr-vmm but main() and the version, so that tests and a second version link it too.
noinst_LTLIBRARIES += src/vmm/libvmm.la
src_vmm_libvmm_la_LIBADD = src/qmp/libqmp.la src/state/libstate.la src/base/libbase.la
src_vmm_libvmm_la_SOURCES =
include src/vmm/acpi/local.mk
include src/vmm/core/local.mk
include src/vmm/pci/local.mk
include src/vmm/device/local.mk
include src/vmm/vfio/local.mk
include src/vmm/monitor/local.mk
include src/vmm/chardev/local.mk
include src/vmm/checkpoint/local.mk
