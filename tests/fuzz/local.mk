# SPDX-License-Identifier: LGPL-2.1-or-later
# Fuzz targets for libFuzzer: scripts/fuzz builds them, by clang, in a build with sanitizers.
FUZZ_TARGETS = tests/fuzz/binary_info tests/fuzz/controller_command_line \
	tests/fuzz/controller_link tests/fuzz/descriptor_table tests/fuzz/emulators_conf \
	tests/fuzz/machine_restore tests/fuzz/qemu_command_line tests/fuzz/qemu_exec_message \
	tests/fuzz/qemu_monitor tests/fuzz/qmp_connection tests/fuzz/state_payload tests/fuzz/state_stream \
	tests/fuzz/vmm_monitor tests/fuzz/vmm_options
EXTRA_PROGRAMS = $(FUZZ_TARGETS)
EXTRA_DIST += scripts/build-sanitized scripts/fuzz tests/fuzz/fuzz.h tests/fuzz/corpus \
	tests/thread-suppressions

FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
FUZZ_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests

tests_fuzz_binary_info_SOURCES = tests/fuzz/binary_info.cc
tests_fuzz_binary_info_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_binary_info_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_binary_info_LDADD = src/controller/libcontroller.la

tests_fuzz_controller_command_line_SOURCES = tests/fuzz/controller_command_line.cc
tests_fuzz_controller_command_line_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_controller_command_line_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_controller_command_line_LDADD = src/controller/libcontroller.la

tests_fuzz_controller_link_SOURCES = tests/fuzz/controller_link.cc
tests_fuzz_controller_link_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_controller_link_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_controller_link_LDADD = src/controller/libcontroller.la

tests_fuzz_descriptor_table_SOURCES = tests/fuzz/descriptor_table.cc
tests_fuzz_descriptor_table_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_descriptor_table_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_descriptor_table_LDADD = src/state/libstate.la

tests_fuzz_emulators_conf_SOURCES = tests/fuzz/emulators_conf.cc
tests_fuzz_emulators_conf_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_emulators_conf_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_emulators_conf_LDADD = src/controller/libcontroller.la

tests_fuzz_machine_restore_SOURCES = tests/fuzz/machine_restore.cc \
	tests/fakes/fake_kvm.cc tests/fakes/fake_vfio.cc tests/unit/vmm/machine_world.cc
tests_fuzz_machine_restore_CPPFLAGS = $(FUZZ_CPPFLAGS) $(UNIT_CPPFLAGS)
tests_fuzz_machine_restore_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_machine_restore_LDADD = src/vmm/libvmm.la -lgtest

tests_fuzz_qemu_command_line_SOURCES = tests/fuzz/qemu_command_line.cc
tests_fuzz_qemu_command_line_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_qemu_command_line_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_qemu_command_line_LDADD = src/controller/libcontroller.la

tests_fuzz_qemu_exec_message_SOURCES = tests/fuzz/qemu_exec_message.cc
tests_fuzz_qemu_exec_message_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_qemu_exec_message_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_qemu_exec_message_LDADD = src/controller/libcontroller.la

tests_fuzz_qemu_monitor_SOURCES = tests/fuzz/qemu_monitor.cc
tests_fuzz_qemu_monitor_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_qemu_monitor_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_qemu_monitor_LDADD = src/controller/libcontroller.la

tests_fuzz_qmp_connection_SOURCES = tests/fuzz/qmp_connection.cc
tests_fuzz_qmp_connection_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_qmp_connection_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_qmp_connection_LDADD = src/qmp/libqmp.la

tests_fuzz_state_payload_SOURCES = tests/fuzz/state_payload.cc
tests_fuzz_state_payload_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_state_payload_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_state_payload_LDADD = src/vmm/libvmm.la

tests_fuzz_state_stream_SOURCES = tests/fuzz/state_stream.cc
tests_fuzz_state_stream_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_state_stream_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_state_stream_LDADD = src/state/libstate.la

tests_fuzz_vmm_monitor_SOURCES = tests/fuzz/vmm_monitor.cc
tests_fuzz_vmm_monitor_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_vmm_monitor_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_vmm_monitor_LDADD = src/vmm/libvmm.la

tests_fuzz_vmm_options_SOURCES = tests/fuzz/vmm_options.cc
tests_fuzz_vmm_options_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_vmm_options_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_vmm_options_LDADD = src/vmm/libvmm.la

# For the scripts: what to build, without what the installed programs need beside it. scripts/check
# runs all unit tests with AddressSanitizer, and the thread-programs with ThreadSanitizer.
UNIT_TESTS = $(filter tests/unit_%, $(check_PROGRAMS))
THREAD_TESTS = $(filter %_base %_qmp %_controller %_vmm_monitor, $(UNIT_TESTS))
fuzz-targets: $(FUZZ_TARGETS)
address-programs: $(UNIT_TESTS) tests/info_program$(EXEEXT)
thread-programs: $(THREAD_TESTS) tests/info_program$(EXEEXT)
list-address-programs:
	@echo $(UNIT_TESTS)
list-thread-programs:
	@echo $(THREAD_TESTS)
# The tests that are no unit tests: scripts/check runs those with sanitizers alone.
check-without-unit-tests:
	$(MAKE) check TESTS='$(filter-out $(UNIT_TESTS), $(TESTS))' \
		check_PROGRAMS='$(filter-out $(UNIT_TESTS) tests/info_program$(EXEEXT), $(check_PROGRAMS))'
.PHONY: fuzz-targets address-programs thread-programs list-address-programs list-thread-programs \
	check-without-unit-tests
