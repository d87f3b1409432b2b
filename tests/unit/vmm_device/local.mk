# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_vmm_device
TESTS += tests/unit_vmm_device

tests_unit_vmm_device_SOURCES = \
	tests/unit/vmm_device/device_test.h \
	tests/fakes/fake_platform.h \
	tests/unit/vmm_device/platform_test.cc \
	tests/unit/vmm_device/pvpanic_test.cc \
	tests/unit/vmm_device/serial16550_test.cc \
	tests/unit/vmm_device/state_versions_test.cc
tests_unit_vmm_device_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_vmm_device_LDADD = src/vmm/libvmm.la $(UNIT_LIBS)
