# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/core/boot.h src/vmm/core/boot.cc \
	src/vmm/core/bus.h src/vmm/core/bus.cc \
	src/vmm/core/bzimage.h src/vmm/core/bzimage.cc \
	src/vmm/core/cpuid.h src/vmm/core/cpuid.cc \
	src/vmm/core/device.h \
	src/vmm/core/doorbells.h \
	src/vmm/core/guest_clock.h src/vmm/core/guest_clock.cc \
	src/vmm/core/guest_memory.h src/vmm/core/guest_memory.cc \
	src/vmm/core/interrupt_controller.h src/vmm/core/interrupt_controller.cc \
	src/vmm/core/interrupts.h \
	src/vmm/core/kvm_doorbells.h src/vmm/core/kvm_doorbells.cc \
	src/vmm/core/kvm_uapi.h src/vmm/core/kvm_api.h src/vmm/core/kvm_api.cc \
	src/vmm/core/machine.h src/vmm/core/machine.cc src/vmm/core/machine_build.cc \
	src/vmm/core/machine_config.h \
	src/vmm/core/machine_devices.h src/vmm/core/machine_devices.cc \
	src/vmm/core/machine_impl.h \
	src/vmm/core/machine_rehearsal.cc \
	src/vmm/core/memory_map.h src/vmm/core/memory_map.cc \
	src/vmm/core/platform.h \
	src/vmm/core/run_state.cc \
	src/vmm/core/vcpu_group.h src/vmm/core/vcpu_group.cc \
	src/vmm/core/vcpu_state.h src/vmm/core/vcpu_state.cc
