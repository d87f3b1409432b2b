# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/chardev/chardev.h \
	src/vmm/chardev/factory.h src/vmm/chardev/factory.cc \
	src/vmm/chardev/fd_sets.h src/vmm/chardev/fd_sets.cc \
	src/vmm/chardev/output_queue.h src/vmm/chardev/output_queue.cc \
	src/vmm/chardev/pty.h src/vmm/chardev/pty.cc \
	src/vmm/chardev/socket.h src/vmm/chardev/socket.cc \
	src/vmm/chardev/sockets.h src/vmm/chardev/sockets.cc \
	src/vmm/chardev/stream_chardev.h src/vmm/chardev/stream_chardev.cc
