# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/monitor/option_table.h \
	src/vmm/monitor/options.h src/vmm/monitor/options.cc \
	src/vmm/monitor/options_device.cc \
	src/vmm/monitor/options_machine.cc \
	src/vmm/monitor/options_process.cc \
	src/vmm/monitor/properties.h src/vmm/monitor/properties.cc
