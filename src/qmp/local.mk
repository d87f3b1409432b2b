# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LTLIBRARIES += src/qmp/libqmp.la
src_qmp_libqmp_la_SOURCES = \
	src/qmp/command_table.h src/qmp/command_table.cc \
	src/qmp/connection.h src/qmp/connection.cc \
	src/qmp/framer.h src/qmp/framer.cc
src_qmp_libqmp_la_LIBADD = src/base/libbase.la
