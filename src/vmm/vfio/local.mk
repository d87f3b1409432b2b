# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/vfio/intx.h src/vmm/vfio/intx.cc \
	src/vmm/vfio/message_interrupts.h src/vmm/vfio/message_interrupts.cc \
	src/vmm/vfio/msi.h src/vmm/vfio/msi.cc \
	src/vmm/vfio/msix.h src/vmm/vfio/msix.cc \
	src/vmm/vfio/vfio_api.h src/vmm/vfio/vfio_api.cc \
	src/vmm/vfio/vfio_container.h src/vmm/vfio/vfio_container.cc \
	src/vmm/vfio/vfio_manager.h src/vmm/vfio/vfio_manager.cc \
	src/vmm/vfio/vfio_bar.h src/vmm/vfio/vfio_bar.cc \
	src/vmm/vfio/vfio_config.h src/vmm/vfio/vfio_config.cc \
	src/vmm/vfio/vfio_interrupts.h src/vmm/vfio/vfio_interrupts.cc \
	src/vmm/vfio/vfio_pci.h src/vmm/vfio/vfio_pci.cc
