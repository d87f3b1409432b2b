# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/vfio/vfio_api.h src/vmm/vfio/vfio_api.cc \
	src/vmm/vfio/vfio_container.h src/vmm/vfio/vfio_container.cc \
	src/vmm/vfio/vfio_manager.h src/vmm/vfio/vfio_manager.cc
