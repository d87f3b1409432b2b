# SPDX-License-Identifier: LGPL-2.1-or-later
EXTRA_DIST += scripts/demo scripts/testbed \
	tests/guests/init.sh \
	tests/guests/io_pattern.h \
	tests/guests/ioverify.c \
	tests/guests/powerbutton.c \
	tests/guests/smpcount.c \
	tests/guests/ticker.c \
	tests/testbed/README.md \
	tests/testbed/faults/impostor.c \
	tests/testbed/faults/inject.c \
	tests/testbed/l1/init.sh \
	tests/testbed/l1/initramfs.sh \
	tests/testbed/l1/main.py \
	tests/testbed/l1/qemu.conf \
	tests/testbed/lib/__init__.py \
	tests/testbed/lib/capabilities.py \
	tests/testbed/lib/console.py \
	tests/testbed/lib/debugger.py \
	tests/testbed/lib/domain.py \
	tests/testbed/lib/faults.py \
	tests/testbed/lib/l1.py \
	tests/testbed/lib/pattern.py \
	tests/testbed/lib/picture.py \
	tests/testbed/lib/process.py \
	tests/testbed/lib/trace.py \
	tests/testbed/lib/update.py \
	tests/testbed/lib/vcpus.py \
	tests/testbed/runner/__init__.py \
	tests/testbed/runner/cli.py \
	tests/testbed/runner/common.py \
	tests/testbed/runner/images.py \
	tests/testbed/runner/machine.py \
	tests/testbed/runner/run.py \
	tests/testbed/runner/stage.py \
	tests/testbed/runner/tree.py \
	tests/testbed/scenarios/blockers.py \
	tests/testbed/scenarios/controller-killed.py \
	tests/testbed/scenarios/crash-load-random.py \
	tests/testbed/scenarios/demo.py \
	tests/testbed/scenarios/downgrade.py \
	tests/testbed/scenarios/fault-matrix.py \
	tests/testbed/scenarios/limits.py \
	tests/testbed/scenarios/rehearsal.py \
	tests/testbed/scenarios/sandbox.py \
	tests/testbed/scenarios/testbed-self.py \
	tests/testbed/scenarios/update-booting.py \
	tests/testbed/scenarios/update-cancel.py \
	tests/testbed/scenarios/update-exec-20.py \
	tests/testbed/scenarios/update-exec-smp.py \
	tests/testbed/scenarios/update-exec.py \
	tests/testbed/scenarios/update-libvirtd-restart.py \
	tests/testbed/scenarios/update-refused.py \
	tests/testbed/scenarios/update-unprivileged.py \
	tests/testbed/scenarios/vfio-intx.py \
	tests/testbed/scenarios/vfio-msi.py \
	tests/testbed/scenarios/vfio-multi.py \
	tests/testbed/scenarios/vmm-boot.py \
	tests/testbed/scenarios/vmm-lifecycle.py \
	tests/testbed/scenarios/vmm-vfio-nvme.py

# What the scenarios' verdicts rest on.
dist_check_SCRIPTS += tests/testbed/selftest.py
TESTS += tests/testbed/selftest.py
