# SPDX-License-Identifier: LGPL-2.1-or-later
# Displays of QEMU guests, whose address the controller has, and so outlasts a QEMU.
src_controller_libcontroller_la_SOURCES += \
	src/controller/display/viewer.h src/controller/display/viewer.cc \
	src/controller/display/vnc_plan.h src/controller/display/vnc_plan.cc \
	src/controller/display/vnc_relay.h src/controller/display/vnc_relay.cc
