# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/checkpoint/blockers.h src/vmm/checkpoint/blockers.cc \
	src/vmm/checkpoint/checkpoint.h src/vmm/checkpoint/checkpoint.cc \
	src/vmm/checkpoint/participant.h \
	src/vmm/checkpoint/shortages.h src/vmm/checkpoint/shortages.cc
