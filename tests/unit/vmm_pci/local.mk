# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_vmm_pci
TESTS += tests/unit_vmm_pci
tests_unit_vmm_pci_SOURCES = tests/unit/vmm_pci/pci_test.cc tests/fakes/fake_platform.h
tests_unit_vmm_pci_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_vmm_pci_LDADD = src/vmm/libvmm.la $(UNIT_LIBS)
