# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_controller_qemu
TESTS += tests/unit_controller_qemu

tests_unit_controller_qemu_SOURCES = \
	tests/unit/controller/support.h tests/unit/controller/support.cc \
	tests/unit/controller_qemu/support.h tests/unit/controller_qemu/support.cc \
	tests/unit/controller_qemu/argument_model_test.cc \
	tests/unit/controller_qemu/block_graph_test.cc \
	tests/unit/controller_qemu/entry_order_test.cc \
	tests/unit/controller_qemu/exec_handover_test.cc \
	tests/unit/controller_qemu/exec_messages_test.cc \
	tests/unit/controller_qemu/follow_devices_test.cc \
	tests/unit/controller_qemu/follow_disks_test.cc \
	tests/unit/controller_qemu/follow_settings_test.cc \
	tests/unit/controller_qemu/follower_fixture.h \
	tests/unit/controller_qemu/guest_test.cc \
	tests/unit/controller_qemu/key_values_test.cc \
	tests/unit/controller_qemu/line_checks_test.cc \
	tests/unit/controller_qemu/live_comparison_test.cc \
	tests/unit/controller_qemu/migration_source_test.cc \
	tests/unit/controller_qemu/monitor_fixture.h \
	tests/unit/controller_qemu/open_files_test.cc \
	tests/unit/controller_qemu/plugged_chardevs_test.cc \
	tests/unit/controller_qemu/queue_checks_test.cc \
	tests/unit/controller_qemu/restore_file_test.cc \
	tests/unit/controller_qemu/run_watch_test.cc \
	tests/unit/controller_qemu/shared_memory_test.cc \
	tests/unit/controller_qemu/start_edits_test.cc \
	tests/unit/controller_qemu/tap_guard_test.cc \
	tests/unit/controller_qemu/transfer_checks_test.cc \
	tests/unit/controller_qemu/version_test.cc \
	tests/unit/controller_qemu/vhost_test.cc
tests_unit_controller_qemu_CPPFLAGS = $(UNIT_CPPFLAGS) -DTESTS_BUILDDIR='"$(abs_top_builddir)/tests"'
tests_unit_controller_qemu_LDADD = src/controller/libcontroller.la $(SECCOMP_LIBS) $(UNIT_LIBS)
EXTRA_DIST += tests/golden/qemu
EXTRA_tests_unit_controller_qemu_DEPENDENCIES = virt-cpr-qemu-exec$(EXEEXT)
