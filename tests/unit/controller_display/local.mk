# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_controller_display
TESTS += tests/unit_controller_display

tests_unit_controller_display_SOURCES = \
	tests/unit/controller/support.h tests/unit/controller/support.cc \
	tests/unit/controller_display/viewer_test.cc \
	tests/unit/controller_display/vnc_plan_test.cc \
	tests/unit/controller_display/vnc_relay_test.cc
tests_unit_controller_display_CPPFLAGS = $(UNIT_CPPFLAGS) -DTESTS_BUILDDIR='"$(abs_top_builddir)/tests"'
tests_unit_controller_display_LDADD = src/controller/libcontroller.la $(SECCOMP_LIBS) $(UNIT_LIBS)
