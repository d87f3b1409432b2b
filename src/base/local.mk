# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LTLIBRARIES += src/base/libbase.la
src_base_libbase_la_SOURCES = \
	src/base/blocker.h src/base/blocker.cc \
	src/base/cgroups.h src/base/cgroups.cc \
	src/base/error.h src/base/error.cc \
	src/base/event_loop.h src/base/event_loop.cc \
	src/base/io.h src/base/io.cc \
	src/base/json_number.h \
	src/base/log.h src/base/log.cc \
	src/base/monotonic.h \
	src/base/pidfd.h \
	src/base/quiet_thread.h \
	src/base/process_use.h src/base/process_use.cc \
	src/base/scope_exit.h \
	src/base/system_log.h src/base/system_log.cc \
	src/base/text.h src/base/text.cc \
	src/base/text_json.h src/base/text_json.cc \
	src/base/text_translation.h src/base/text_translation.cc \
	src/base/text_width.h src/base/text_width.cc \
	src/base/translate.h \
	src/base/unique_fd.h src/base/unique_fd.cc \
	src/base/utc_time.h \
	src/base/vmm_threads.h src/base/vmm_threads.cc
src_base_libbase_la_LIBADD = $(GLIB_LIBS) $(FMT_LIBS)
