# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/core/bus.h src/vmm/core/bus.cc \
	src/vmm/core/device.h \
	src/vmm/core/interrupts.h \
	src/vmm/core/kvm_api.h src/vmm/core/kvm_api.cc \
	src/vmm/core/machine.h \
	src/vmm/core/machine_config.h \
	src/vmm/core/memory_map.h src/vmm/core/memory_map.cc \
	src/vmm/core/platform.h
