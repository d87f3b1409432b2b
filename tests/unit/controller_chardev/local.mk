# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_controller_chardev
TESTS += tests/unit_controller_chardev

tests_unit_controller_chardev_SOURCES = \
	tests/unit/controller/support.h tests/unit/controller/support.cc \
	tests/unit/controller_chardev/command_lines.h \
	tests/unit/controller_chardev/devices_fixture.h \
	tests/unit/controller_chardev/devices_fixture.cc \
	tests/unit/controller_chardev/plan_json_test.cc \
	tests/unit/controller_chardev/plan_test.cc \
	tests/unit/controller_chardev/pty_test.cc \
	tests/unit/controller_chardev/query_chardev_test.cc \
	tests/unit/controller_chardev/socket_test.cc \
	tests/unit/controller_chardev/switch_test.cc
tests_unit_controller_chardev_CPPFLAGS = $(UNIT_CPPFLAGS) -DTESTS_BUILDDIR='"$(abs_top_builddir)/tests"'
tests_unit_controller_chardev_LDADD = src/controller/libcontroller.la $(SECCOMP_LIBS) $(UNIT_LIBS)
