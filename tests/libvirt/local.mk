# SPDX-License-Identifier: LGPL-2.1-or-later
# What is ours over libvirt's own library and its test driver.
check_PROGRAMS += tests/libvirt_test_driver
TESTS += tests/libvirt_test_driver tests/libvirt/command_line_test.py tests/libvirt/language_test.py tests/libvirt/samples_test.py
dist_check_SCRIPTS += tests/libvirt/command_line_test.py tests/libvirt/language_test.py tests/libvirt/samples_test.py

tests_libvirt_test_driver_SOURCES = tests/libvirt/domain_xml_test.cc tests/libvirt/test_driver_test.cc
tests_libvirt_test_driver_CPPFLAGS = $(UNIT_CPPFLAGS) $(LIBVIRT_CFLAGS) $(LIBXML_CFLAGS) \
	-DSCHEMA='"$(abs_top_srcdir)/xml/domain-metadata.rng"'
tests_libvirt_test_driver_LDADD = src/tools/libupdate.la src/client/libclient.la $(LIBXML_LIBS) $(UNIT_LIBS)

# Preloaded into the programs, it lets them have the catalogues of the sources.
check_LTLIBRARIES = tests/libcatalogues.la
tests_libcatalogues_la_SOURCES = tests/libvirt/catalogues.c
tests_libcatalogues_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -rpath /nonexistent
