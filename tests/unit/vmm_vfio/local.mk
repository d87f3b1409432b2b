# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_vmm_vfio
TESTS += tests/unit_vmm_vfio
tests_unit_vmm_vfio_SOURCES = \
	tests/fakes/fake_platform.h \
	tests/fakes/gone.h tests/fakes/fake_vfio.h tests/fakes/fake_vfio.cc \
	tests/fakes/golden.h \
	tests/unit/vmm_vfio/container_test.cc \
	tests/unit/vmm_vfio/golden_test.cc \
	tests/unit/vmm_vfio/intx_test.cc \
	tests/unit/vmm_vfio/msi_test.cc \
	tests/unit/vmm_vfio/vfio_interrupts_test.cc \
	tests/unit/vmm_vfio/vfio_manager_test.cc \
	tests/unit/vmm_vfio/vfio_pci_test.cc \
	tests/unit/vmm_vfio/vfio_world.h
tests_unit_vmm_vfio_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(srcdir)/tests/unit/vmm_vfio
tests_unit_vmm_vfio_LDADD = src/vmm/libvmm.la $(UNIT_LIBS)
EXTRA_DIST += \
	tests/golden/pci-host.v1 \
	tests/golden/pcie-root-port.v1 \
	tests/golden/vfio.v1 \
	tests/golden/vfio.v2 \
	tests/golden/vfio-pci.v1 \
	tests/golden/vfio-pci.v2
