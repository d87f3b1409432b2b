# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/device/catalog.h src/vmm/device/catalog.cc
