# SPDX-License-Identifier: LGPL-2.1-or-later
# Character devices of QEMU guests, which end in the controller and so outlast a QEMU.
src_controller_libcontroller_la_SOURCES += \
	src/controller/chardev/byte_queue.h \
	src/controller/chardev/character_devices.h src/controller/chardev/character_devices.cc \
	src/controller/chardev/client_end.h src/controller/chardev/client_end.cc \
	src/controller/chardev/fd_watch.h \
	src/controller/chardev/frontends.h src/controller/chardev/frontends.cc \
	src/controller/chardev/listening_end.h src/controller/chardev/listening_end.cc \
	src/controller/chardev/outer_end.h src/controller/chardev/outer_end.cc \
	src/controller/chardev/plan.h src/controller/chardev/plan.cc \
	src/controller/chardev/plan_json.h src/controller/chardev/plan_json.cc \
	src/controller/chardev/pty_end.h src/controller/chardev/pty_end.cc \
	src/controller/chardev/pump.h src/controller/chardev/pump.cc \
	src/controller/chardev/relayed_device.h src/controller/chardev/relayed_device.cc \
	src/controller/chardev/socket_names.h src/controller/chardev/socket_names.cc \
	src/controller/chardev/sockets.h src/controller/chardev/sockets.cc
