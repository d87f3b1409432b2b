# SPDX-License-Identifier: LGPL-2.1-or-later
# Everything of cpr-vmm but main() and the version, so that tests and a second version link it too.
noinst_LTLIBRARIES += src/vmm/libvmm.la
src_vmm_libvmm_la_LIBADD = src/qmp/libqmp.la src/state/libstate.la src/base/libbase.la \
	$(SECCOMP_LIBS)
src_vmm_libvmm_la_SOURCES =
include src/vmm/acpi/local.mk
include src/vmm/core/local.mk
include src/vmm/pci/local.mk
include src/vmm/device/local.mk
include src/vmm/vfio/local.mk
include src/vmm/monitor/local.mk
include src/vmm/chardev/local.mk
include src/vmm/checkpoint/local.mk
include src/vmm/sandbox/local.mk

src_vmm_libvmm_la_SOURCES += \
	src/vmm/rehearsal.h src/vmm/rehearsal.cc \
	src/vmm/signals.h src/vmm/signals.cc \
	src/vmm/version.h \
	src/vmm/vmm.h src/vmm/vmm.cc

pkglibexec_PROGRAMS += cpr-vmm
cpr_vmm_SOURCES = src/vmm/main.cc src/vmm/version.cc
cpr_vmm_LDADD = src/vmm/libvmm.la

# The same VMM with another version, for updates from one to the other in tests, and with a later
# version of one device's state (CPR_TEST_NEXT_STATE: what includes that device's header is compiled
# anew, in place of the library's).
check_PROGRAMS += tests/cpr-vmm-next
tests_cpr_vmm_next_SOURCES = src/vmm/main.cc src/vmm/version.cc \
	src/vmm/core/machine_devices.cc src/vmm/device/catalog.cc src/vmm/device/reset_control.cc
tests_cpr_vmm_next_CPPFLAGS = $(AM_CPPFLAGS) -DCPR_VMM_VERSION='"$(PACKAGE_VERSION)+next"' \
	-DCPR_TEST_NEXT_STATE
tests_cpr_vmm_next_LDADD = src/vmm/libvmm.la
