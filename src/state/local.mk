# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LTLIBRARIES += src/state/libstate.la
src_state_libstate_la_SOURCES = \
	src/state/archive.h src/state/archive.cc \
	src/state/entry_gate.h src/state/entry_gate.cc \
	src/state/fd_table.h src/state/fd_table.cc \
	src/state/stream.h src/state/stream.cc \
	src/state/versions.h
src_state_libstate_la_LIBADD = src/base/libbase.la $(ZLIB_LIBS)
