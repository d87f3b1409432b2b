# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/sandbox/sandbox.h src/vmm/sandbox/sandbox.cc \
	src/vmm/sandbox/syscall_groups.h src/vmm/sandbox/syscall_groups.cc
