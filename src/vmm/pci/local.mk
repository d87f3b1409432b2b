# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/pci/pci_address.h src/vmm/pci/pci_address.cc \
	src/vmm/pci/pci_bus.h src/vmm/pci/pci_bus.cc \
	src/vmm/pci/pci_config.h src/vmm/pci/pci_config.cc \
	src/vmm/pci/pci_function.h src/vmm/pci/pci_function.cc \
	src/vmm/pci/pci_host.h src/vmm/pci/pci_host.cc \
	src/vmm/pci/resources.h src/vmm/pci/resources.cc \
	src/vmm/pci/root_port.h src/vmm/pci/root_port.cc
