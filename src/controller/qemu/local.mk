# SPDX-License-Identifier: LGPL-2.1-or-later
# What is known of QEMU: its command line as a model, and what the monitor makes of it.
src_controller_libcontroller_la_SOURCES += \
	src/controller/qemu/argument_model.h src/controller/qemu/argument_model.cc \
	src/controller/qemu/block_graph.h src/controller/qemu/block_graph.cc \
	src/controller/qemu/blocker.h src/controller/qemu/blocker.cc \
	src/controller/qemu/chardev_arguments.h src/controller/qemu/chardev_arguments.cc \
	src/controller/qemu/command_rules.h src/controller/qemu/command_rules.cc \
	src/controller/qemu/configuration.h src/controller/qemu/configuration.cc \
	src/controller/qemu/descriptors.h src/controller/qemu/descriptors.cc \
	src/controller/qemu/jobs.h src/controller/qemu/jobs.cc \
	src/controller/qemu/key_values.h src/controller/qemu/key_values.cc \
	src/controller/qemu/line_checks.h src/controller/qemu/line_checks.cc \
	src/controller/qemu/live_comparison.h src/controller/qemu/live_comparison.cc \
	src/controller/qemu/memory_size.h src/controller/qemu/memory_size.cc \
	src/controller/qemu/monitor_follower.h src/controller/qemu/monitor_follower.cc \
	src/controller/qemu/option.h src/controller/qemu/option.cc \
	src/controller/qemu/option_table.h src/controller/qemu/option_table.cc \
	src/controller/qemu/replays.h src/controller/qemu/replays.cc \
	src/controller/qemu/shared_memory.h src/controller/qemu/shared_memory.cc \
	src/controller/qemu/start_edits.h src/controller/qemu/start_edits.cc \
	src/controller/qemu/track_descriptors.cc src/controller/qemu/track_devices.cc \
	src/controller/qemu/track_disks.cc src/controller/qemu/track_jobs.cc \
	src/controller/qemu/track_settings.cc
