# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_tools
TESTS += tests/unit_tools

tests_unit_tools_SOURCES = \
	tests/unit/client/libvirt_environment.cc \
	tests/unit/tools/domain_request_test.cc \
	tests/unit/tools/fleet_report_test.cc \
	tests/unit/tools/interactive_line_test.cc \
	tests/unit/tools/interrupt_watch_test.cc \
	tests/unit/tools/metrics_test.cc \
	tests/unit/tools/progress_test.cc \
	tests/unit/tools/stock_virsh_test.cc \
	tests/unit/tools/update_report_test.cc \
	tests/unit/tools/update_words_test.cc \
	tests/unit/tools/virsh_help_test.cc \
	tests/unit/tools/virsh_plan_test.cc \
	tests/unit/tools/virsh_words_test.cc
tests_unit_tools_CPPFLAGS = $(UNIT_CPPFLAGS) $(LIBVIRT_CFLAGS)
tests_unit_tools_LDADD = src/tools/libvirsh.la src/client/libclient.la $(UNIT_LIBS)
