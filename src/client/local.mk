# SPDX-License-Identifier: LGPL-2.1-or-later
# The sources as a convenience library, so that unit tests see more than the exported symbols. All
# of libbase would make every program that uses the library one with an event loop of GLib's.
noinst_LTLIBRARIES += src/client/libclient.la
src_client_libclient_la_SOURCES = \
	src/client/blocker_list.h src/client/blocker_list.cc \
	src/client/boundary.h src/client/boundary.cc \
	src/client/c_string.h \
	src/client/call_error.h src/client/call_error.cc \
	src/client/domain_metadata.h src/client/domain_metadata.cc \
	src/client/flat_params.h src/client/flat_params.cc \
	src/client/history.h src/client/history.cc \
	src/client/job.h src/client/job.cc \
	src/client/job_events.h src/client/job_events.cc \
	src/client/job_progress.h src/client/job_progress.cc \
	src/client/job_wait.h src/client/job_wait.cc \
	src/client/job_watch.h src/client/job_watch.cc \
	src/client/last_error.h src/client/last_error.cc \
	src/client/libvirt_cpr.cc src/client/libvirt_cpr_domain.cc \
	src/client/monitor.h src/client/monitor.cc \
	src/client/policy.h src/client/policy.cc \
	src/client/poll_interval.h \
	src/client/preparation.h src/client/preparation.cc \
	src/client/reply.h src/client/reply.cc \
	src/client/thread_placement.h src/client/thread_placement.cc \
	src/client/typed_params.h src/client/typed_params.cc \
	src/client/update_options.h src/client/update_options.cc \
	src/client/watch_table.h src/client/watch_table.cc \
	src/client/xml_document.h src/client/xml_document.cc \
	src/base/cgroups.cc src/base/error.cc src/base/text.cc src/base/text_json.cc \
	src/base/text_translation.cc src/base/vmm_threads.cc
src_client_libclient_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS) $(LIBXML_CFLAGS)
src_client_libclient_la_LIBADD = $(LIBVIRT_LIBS) $(LIBXML_LIBS) $(FMT_LIBS)

lib_LTLIBRARIES += liblibvirt-cpr.la
liblibvirt_cpr_la_SOURCES =
# Makes libtool link with the C++ compiler.
nodist_EXTRA_liblibvirt_cpr_la_SOURCES = dummy.cc
liblibvirt_cpr_la_LIBADD = src/client/libclient.la
liblibvirt_cpr_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-Wl,--version-script=$(top_srcdir)/src/client/libvirt_cpr.map
liblibvirt_cpr_la_DEPENDENCIES = src/client/libclient.la src/client/libvirt_cpr.map
EXTRA_DIST += src/client/libvirt_cpr.map

libvirt_cpr_includedir = $(includedir)/libvirt-cpr
libvirt_cpr_include_HEADERS = include/libvirt-cpr/libvirt-cpr.h
pkgconfig_DATA += src/client/libvirt-cpr.pc
