# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_vmm_core
TESTS += tests/unit_vmm_core

tests_unit_vmm_core_SOURCES = \
	tests/unit/vmm/bus_test.cc \
	tests/unit/vmm/memory_map_test.cc
tests_unit_vmm_core_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_vmm_core_LDADD = src/vmm/libvmm.la $(UNIT_LIBS)
