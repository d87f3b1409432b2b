# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_client
TESTS += tests/unit_client

tests_unit_client_SOURCES = \
	tests/unit/client/blocker_list_test.cc \
	tests/unit/client/history_test.cc \
	tests/unit/client/job_progress_test.cc \
	tests/unit/client/job_test.cc tests/fakes/catalogue.h \
	tests/unit/client/last_error_test.cc \
	tests/unit/client/libvirt_environment.cc \
	tests/unit/client/policy_test.cc \
	tests/unit/client/preparation_test.cc \
	tests/unit/client/reply_test.cc \
	tests/unit/client/support.h \
	tests/unit/client/thread_placement_test.cc \
	tests/unit/client/update_options_test.cc
tests_unit_client_CPPFLAGS = $(UNIT_CPPFLAGS) $(LIBVIRT_CFLAGS)
tests_unit_client_LDADD = src/client/libclient.la $(UNIT_LIBS)
