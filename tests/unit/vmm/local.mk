# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_vmm_core tests/unit_vmm_machine
TESTS += tests/unit_vmm_core tests/unit_vmm_machine

tests_unit_vmm_core_SOURCES = \
	tests/fakes/fake_kvm.h tests/fakes/fake_kvm.cc \
	tests/unit/vmm/boot_image.h \
	tests/unit/vmm/bus_test.cc \
	tests/unit/vmm/bzimage_test.cc \
	tests/unit/vmm/cpuid_test.cc \
	tests/fakes/golden.h \
	tests/unit/vmm/golden_test.cc \
	tests/unit/vmm/guest_clock_test.cc \
	tests/unit/vmm/guest_memory_test.cc \
	tests/unit/vmm/interrupt_controller_test.cc \
	tests/unit/vmm/kvm_doorbells_test.cc \
	tests/unit/vmm/memory_map_test.cc \
	tests/unit/vmm/vcpu_group_test.cc \
	tests/unit/vmm/vcpu_state_test.cc
tests_unit_vmm_core_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_vmm_core_LDADD = src/vmm/libvmm.la $(UNIT_LIBS)

tests_unit_vmm_machine_SOURCES = \
	tests/fakes/fake_kvm.h tests/fakes/fake_kvm.cc \
	tests/fakes/fake_vfio.h tests/fakes/fake_vfio.cc \
	tests/unit/vmm/boot_image.h \
	tests/unit/vmm/machine_restore_test.cc \
	tests/unit/vmm/machine_test.cc \
	tests/unit/vmm/machine_world.h tests/unit/vmm/machine_world.cc \
	tests/unit/vmm/machine_panic_test.cc \
	tests/unit/vmm/quiet_chardev.h \
	tests/unit/vmm/real_ioeventfd_test.cc \
	tests/unit/vmm/real_kvm.h \
	tests/unit/vmm/real_kvm_test.cc \
	tests/unit/vmm/rehearsal_test.cc
tests_unit_vmm_machine_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_vmm_machine_LDADD = src/vmm/libvmm.la $(SECCOMP_LIBS) $(UNIT_LIBS)
EXTRA_DIST += \
	tests/golden/acpi-pm.v1 \
	tests/golden/cmos-rtc.v1 \
	tests/golden/irqchip.v1 \
	tests/golden/kvm-clock.v1 \
	tests/golden/machine.v1 \
	tests/golden/pvpanic.v1 \
	tests/golden/reset-control.v1 \
	tests/golden/serial16550.v1 \
	tests/golden/vcpu.v1
