# SPDX-License-Identifier: LGPL-2.1-or-later
# Everything but the programs' main files, for the tests.
noinst_LTLIBRARIES += src/controller/libcontroller.la
src_controller_libcontroller_la_SOURCES = \
	src/controller/binary_info.h src/controller/binary_info.cc \
	src/controller/child_exec.h src/controller/child_exec.cc \
	src/controller/client_session.h src/controller/client_session.cc \
	src/controller/command_line.h src/controller/command_line.cc \
	src/controller/controller.h src/controller/controller.cc \
	src/controller/cpr_vmm_steps.h src/controller/cpr_vmm_steps.cc \
	src/controller/diversion.h src/controller/diversion.cc \
	src/controller/emulator_config.h src/controller/emulator_config.cc \
	src/controller/emulators_tool.h src/controller/emulators_tool.cc \
	src/controller/exec_filter.h src/controller/exec_filter.cc \
	src/controller/exec_guard.h src/controller/exec_guard.cc \
	src/controller/exec_orders.h src/controller/exec_orders.cc \
	src/controller/fd_message.h src/controller/fd_message.cc \
	src/controller/job_log.h src/controller/job_log.cc \
	src/controller/job_record.h src/controller/job_record.cc \
	src/controller/job_stats.h src/controller/job_stats.cc \
	src/controller/keeper.h src/controller/keeper.cc \
	src/controller/launch.h src/controller/launch.cc \
	src/controller/loop_call.h src/controller/monitor_watcher.h \
	src/controller/program_run.h src/controller/program_run.cc \
	src/controller/qmp_error.h src/controller/qmp_error.cc \
	src/controller/rehearsal.h src/controller/rehearsal.cc \
	src/controller/relay.h src/controller/relay.cc \
	src/controller/seccomp_notification.h \
	src/controller/seccomp_rules.h src/controller/seccomp_rules.cc \
	src/controller/shortages.h src/controller/shortages.cc \
	src/controller/step_list.h src/controller/step_list.cc \
	src/controller/stray_vmm.h src/controller/stray_vmm.cc \
	src/controller/thread_tuning.h src/controller/thread_tuning.cc \
	src/controller/update_deadlines.h \
	src/controller/update_host.h \
	src/controller/update_job.h src/controller/update_job.cc \
	src/controller/update_service.h src/controller/update_service.cc \
	src/controller/update_steps.h src/controller/update_steps.cc \
	src/controller/vfio_recovery.h src/controller/vfio_recovery.cc \
	src/controller/vmm_calls.h src/controller/vmm_calls.cc \
	src/controller/vmm_link.h src/controller/vmm_link.cc \
	src/controller/vmm_process.h src/controller/vmm_process.cc \
	src/controller/vmm_threads.h src/controller/vmm_threads.cc \
	src/controller/way_back.h src/controller/way_back.cc
include src/controller/chardev/local.mk
include src/controller/display/local.mk
include src/controller/qemu/local.mk
src_controller_libcontroller_la_LIBADD = src/qmp/libqmp.la src/state/libstate.la $(SECCOMP_LIBS)

bin_PROGRAMS += virt-cpr-emulator virt-cpr-emulators
virt_cpr_emulator_SOURCES = src/controller/emulator_main.cc
virt_cpr_emulator_LDADD = src/controller/libcontroller.la
virt_cpr_emulators_SOURCES = src/controller/emulators_main.cc
virt_cpr_emulators_LDADD = src/controller/libcontroller.la

pkglibexec_PROGRAMS += virt-cpr-controller virt-cpr-qemu-exec
virt_cpr_controller_SOURCES = src/controller/controller_main.cc
virt_cpr_controller_LDADD = src/controller/libcontroller.la
virt_cpr_qemu_exec_SOURCES = src/controller/qemu_exec_main.cc
virt_cpr_qemu_exec_LDADD = src/controller/libcontroller.la

EXTRA_DIST += src/controller/emulators.conf.in
CLEANFILES += emulators.conf
all-local: emulators.conf
emulators.conf: src/controller/emulators.conf.in Makefile
	$(AM_V_GEN)sed 's|@pkglibexecdir[@]|$(pkglibexecdir)|' \
		$(top_srcdir)/src/controller/emulators.conf.in >$@.tmp && mv $@.tmp $@

# What an administrator has set stays.
install-data-local: install-emulators-conf
install-emulators-conf: emulators.conf
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/libvirt-cpr'
	test -e '$(DESTDIR)$(sysconfdir)/libvirt-cpr/emulators.conf' || \
		$(INSTALL_DATA) emulators.conf '$(DESTDIR)$(sysconfdir)/libvirt-cpr/emulators.conf'
uninstall-local: uninstall-emulators-conf
uninstall-emulators-conf:
	cmp -s emulators.conf '$(DESTDIR)$(sysconfdir)/libvirt-cpr/emulators.conf' && \
		rm -f '$(DESTDIR)$(sysconfdir)/libvirt-cpr/emulators.conf' || :
.PHONY: install-emulators-conf uninstall-emulators-conf
