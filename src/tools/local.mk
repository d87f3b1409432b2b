# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LTLIBRARIES += src/tools/libupdate.la
src_tools_libupdate_la_SOURCES = \
	src/tools/cancel_wish.h src/tools/cancel_wish.cc \
	src/tools/domain_command.h src/tools/domain_command.cc \
	src/tools/domain_request.h src/tools/domain_request.cc \
	src/tools/domain_update.h src/tools/domain_update.cc \
	src/tools/event_thread.h src/tools/event_thread.cc \
	src/tools/fleet_report.h src/tools/fleet_report.cc \
	src/tools/fleet_update.h src/tools/fleet_update.cc \
	src/tools/i18n.h src/tools/i18n.cc \
	src/tools/interrupt_watch.h src/tools/interrupt_watch.cc \
	src/tools/job_summary.h src/tools/job_summary.cc \
	src/tools/libvirt_session.h src/tools/libvirt_session.cc \
	src/tools/message.h src/tools/message.cc \
	src/tools/metrics.h src/tools/metrics.cc \
	src/tools/metrics_file.h src/tools/metrics_file.cc \
	src/tools/progress.h src/tools/progress.cc \
	src/tools/tool_main.h \
	src/tools/update_command.h src/tools/update_command.cc \
	src/tools/update_params.h src/tools/update_params.cc \
	src/tools/update_report.h src/tools/update_report.cc \
	src/tools/update_request.h src/tools/update_request.cc \
	src/tools/update_words.h src/tools/update_words.cc
src_tools_libupdate_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
src_tools_libupdate_la_LIBADD = src/base/libbase.la liblibvirt-cpr.la $(LIBVIRT_LIBS) $(GLIB_LIBS) $(FMT_LIBS)

bin_PROGRAMS += virt-update-in-place
virt_update_in_place_SOURCES = src/tools/virt_update_in_place.cc \
	src/tools/daemon_restart.h src/tools/daemon_restart.cc
virt_update_in_place_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
virt_update_in_place_LDADD = src/tools/libupdate.la

bin_PROGRAMS += cpr-inspect
cpr_inspect_SOURCES = \
	src/tools/cpr_inspect.cc \
	src/tools/i18n.cc \
	src/tools/message.cc \
	src/tools/state_listing.h src/tools/state_listing.cc
cpr_inspect_CPPFLAGS = $(AM_CPPFLAGS)
cpr_inspect_LDADD = src/state/libstate.la

# Everything of the front end but main, for its tests.
noinst_LTLIBRARIES += src/tools/libvirsh.la
src_tools_libvirsh_la_SOURCES = \
	src/tools/interactive_line.h src/tools/interactive_line.cc \
	src/tools/stock_virsh.h src/tools/stock_virsh.cc \
	src/tools/virsh_arguments.h src/tools/virsh_arguments.cc \
	src/tools/virsh_front_end.h src/tools/virsh_front_end.cc \
	src/tools/virsh_help.h src/tools/virsh_help.cc \
	src/tools/virsh_plan.h src/tools/virsh_plan.cc \
	src/tools/virsh_words.h src/tools/virsh_words.cc
src_tools_libvirsh_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
src_tools_libvirsh_la_LIBADD = src/tools/libupdate.la

# Installed out of the PATH: an administrator who wants `virsh update-in-place` puts it there.
pkglibexec_PROGRAMS += src/tools/virsh
src_tools_virsh_SOURCES = src/tools/virsh.cc
src_tools_virsh_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
src_tools_virsh_LDADD = src/tools/libvirsh.la

# Beside it, for the interactive mode.
virshdir = $(pkglibexecdir)
virsh_LTLIBRARIES = src/tools/virsh-readline.la
src_tools_virsh_readline_la_SOURCES = src/tools/virsh_readline.cc \
	src/tools/interactive_line.cc src/tools/virsh_arguments.cc src/tools/virsh_words.cc \
	src/tools/virsh_session.h src/tools/virsh_session.cc
src_tools_virsh_readline_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS) $(READLINE_CFLAGS)
src_tools_virsh_readline_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^(readline|add_history)$$'
src_tools_virsh_readline_la_LIBADD = $(GLIB_LIBS) $(READLINE_LIBS)
