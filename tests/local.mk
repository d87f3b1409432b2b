# SPDX-License-Identifier: LGPL-2.1-or-later
UNIT_LIBS = $(GTEST_LIBS)
UNIT_CPPFLAGS = $(AM_CPPFLAGS) $(GTEST_CFLAGS) -I$(top_srcdir)/tests -DTESTS_SRCDIR='"$(abs_top_srcdir)/tests"'

check_PROGRAMS += tests/unit_base tests/unit_qmp tests/unit_state
TESTS += tests/unit_base tests/unit_qmp tests/unit_state

tests_unit_base_SOURCES = tests/unit/base/base_test.cc tests/unit/base/system_log_test.cc \
	tests/unit/base/text_test.cc tests/unit/base/text_translation_test.cc tests/fakes/catalogue.h
tests_unit_base_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_LDADD = src/base/libbase.la $(UNIT_LIBS)

tests_unit_qmp_SOURCES = tests/unit/qmp/framer_test.cc tests/unit/qmp/connection_test.cc \
	tests/unit/qmp/command_table_test.cc
tests_unit_qmp_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_qmp_LDADD = src/qmp/libqmp.la $(UNIT_LIBS)

tests_unit_state_SOURCES = tests/unit/state/entry_gate_test.cc tests/unit/state/stream_test.cc tests/unit/state/fd_table_test.cc \
	tests/unit/state/versions_test.cc
tests_unit_state_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_state_LDADD = src/state/libstate.la $(UNIT_LIBS)

check_PROGRAMS += tests/unit_vmm_checkpoint
TESTS += tests/unit_vmm_checkpoint
tests_unit_vmm_checkpoint_SOURCES = tests/fakes/fake_platform.h \
	tests/unit/vmm_checkpoint/blockers_test.cc tests/unit/vmm_checkpoint/checkpoint_test.cc \
	tests/unit/vmm_checkpoint/shortages_test.cc
tests_unit_vmm_checkpoint_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_vmm_checkpoint_LDADD = src/vmm/libvmm.la $(UNIT_LIBS)
include tests/unit/vmm/local.mk

include tests/unit/client/local.mk
include tests/unit/tools/local.mk
check_PROGRAMS += tests/unit_vmm_monitor
TESTS += tests/unit_vmm_monitor
tests_unit_vmm_monitor_SOURCES = tests/unit/vmm_monitor/options_test.cc \
	tests/unit/vmm_monitor/chardev_test.cc tests/unit/vmm_monitor/monitor_test.cc
tests_unit_vmm_monitor_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_vmm_monitor_LDADD = src/vmm/libvmm.la $(UNIT_LIBS)
include tests/testbed/local.mk
check_PROGRAMS += tests/unit_vmm_acpi
TESTS += tests/unit_vmm_acpi
tests_unit_vmm_acpi_SOURCES = tests/unit/vmm_acpi/tables_test.cc
tests_unit_vmm_acpi_CPPFLAGS = $(UNIT_CPPFLAGS) -DIASL='"$(IASL)"'
tests_unit_vmm_acpi_LDADD = src/vmm/libvmm.la $(UNIT_LIBS)
include tests/libvirt/local.mk
include tests/python/local.mk
include tests/nova/local.mk
include tests/tools/local.mk
include tests/scripts/local.mk
include tests/unit/vmm_device/local.mk
include tests/unit/controller/local.mk
include tests/unit/controller_chardev/local.mk
include tests/unit/controller_display/local.mk
include tests/unit/controller_qemu/local.mk
include tests/unit/vmm_pci/local.mk
include tests/unit/vmm_vfio/local.mk
include tests/fuzz/local.mk
include tests/unit/vmm_sandbox/local.mk
