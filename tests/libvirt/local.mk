# SPDX-License-Identifier: LGPL-2.1-or-later
# What is ours over libvirt's own library and its test driver.
check_PROGRAMS += tests/libvirt_test_driver
TESTS += tests/libvirt_test_driver tests/libvirt/command_line_test.py
dist_check_SCRIPTS += tests/libvirt/command_line_test.py

tests_libvirt_test_driver_SOURCES = tests/libvirt/test_driver_test.cc
tests_libvirt_test_driver_CPPFLAGS = $(UNIT_CPPFLAGS) $(LIBVIRT_CFLAGS)
tests_libvirt_test_driver_LDADD = src/tools/libupdate.la $(UNIT_LIBS)
