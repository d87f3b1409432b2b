# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_controller tests/info_program
TESTS += tests/unit_controller

tests_unit_controller_SOURCES = \
	tests/unit/controller/support.h tests/unit/controller/support.cc \
	tests/unit/controller/binary_info_test.cc \
	tests/unit/controller/command_line_test.cc \
	tests/unit/controller/controller_test.cc \
	tests/unit/controller/diversion_test.cc \
	tests/unit/controller/emulator_config_test.cc \
	tests/unit/controller/confined.h \
	tests/unit/controller/emulators_tool_test.cc \
	tests/unit/controller/exec_filter_test.cc \
	tests/unit/controller/exec_guard_test.cc \
	tests/unit/controller/exec_orders_test.cc \
	tests/unit/controller/job_log_test.cc \
	tests/unit/controller/job_stats_test.cc \
	tests/unit/controller/job_texts_test.cc \
	tests/unit/controller/launch_test.cc \
	tests/unit/controller/relay_test.cc \
	tests/unit/controller/shortages_test.cc \
	tests/unit/controller/step_list_test.cc \
	tests/unit/controller/stray_vmm_test.cc \
	tests/unit/controller/update_fixture.h \
	tests/unit/controller/thread_placement_test.cc \
	tests/unit/controller/update_failure_test.cc \
	tests/unit/controller/update_test.cc \
	tests/unit/controller/vmm_process_test.cc
tests_unit_controller_CPPFLAGS = $(UNIT_CPPFLAGS) -DTESTS_BUILDDIR='"$(abs_top_builddir)/tests"'
tests_unit_controller_LDADD = src/controller/libcontroller.la $(SECCOMP_LIBS) $(UNIT_LIBS)
EXTRA_tests_unit_controller_DEPENDENCIES = tests/info_program$(EXEEXT)

tests_info_program_SOURCES = tests/unit/controller/info_program.cc
tests_info_program_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_info_program_LDADD = src/state/libstate.la
