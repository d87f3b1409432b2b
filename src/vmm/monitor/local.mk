# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/monitor/commands.h \
	src/vmm/monitor/cpr_commands.cc \
	src/vmm/monitor/cpu_commands.cc \
	src/vmm/monitor/daemon.h src/vmm/monitor/daemon.cc \
	src/vmm/monitor/fd_commands.cc \
	src/vmm/monitor/guest_commands.cc \
	src/vmm/monitor/host_commands.cc \
	src/vmm/monitor/info.h src/vmm/monitor/info.cc \
	src/vmm/monitor/monitor.h src/vmm/monitor/monitor.cc \
	src/vmm/monitor/object_commands.cc \
	src/vmm/monitor/option_groups.cc \
	src/vmm/monitor/option_table.h \
	src/vmm/monitor/options.h src/vmm/monitor/options.cc \
	src/vmm/monitor/options_device.cc \
	src/vmm/monitor/options_machine.cc \
	src/vmm/monitor/options_process.cc \
	src/vmm/monitor/program_commands.cc \
	src/vmm/monitor/properties.h src/vmm/monitor/properties.cc \
	src/vmm/monitor/shapes.h src/vmm/monitor/shapes.cc
