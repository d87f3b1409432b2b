# SPDX-License-Identifier: LGPL-2.1-or-later
# What is known of QEMU: its command line as a model, and what the monitor makes of it.
src_controller_libcontroller_la_SOURCES += \
	src/controller/qemu/argument_model.h src/controller/qemu/argument_model.cc \
	src/controller/qemu/blocker.h src/controller/qemu/blocker.cc \
	src/controller/qemu/key_values.h src/controller/qemu/key_values.cc \
	src/controller/qemu/memory_size.h src/controller/qemu/memory_size.cc \
	src/controller/qemu/option.h src/controller/qemu/option.cc \
	src/controller/qemu/option_table.h src/controller/qemu/option_table.cc \
	src/controller/qemu/shared_memory.h src/controller/qemu/shared_memory.cc \
	src/controller/qemu/start_edits.h src/controller/qemu/start_edits.cc
