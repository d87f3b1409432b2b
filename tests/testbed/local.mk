# SPDX-License-Identifier: LGPL-2.1-or-later
EXTRA_DIST += scripts/testbed tests/testbed/README.md \
	tests/testbed/runner/__init__.py tests/testbed/runner/cli.py tests/testbed/runner/common.py \
	tests/testbed/runner/images.py tests/testbed/runner/machine.py tests/testbed/runner/run.py \
	tests/testbed/runner/stage.py tests/testbed/runner/tree.py \
	tests/testbed/l1/initramfs.sh tests/testbed/l1/init.sh tests/testbed/l1/main.py \
	tests/testbed/l1/qemu.conf \
	tests/testbed/lib/__init__.py tests/testbed/lib/console.py tests/testbed/lib/domain.py \
	tests/testbed/lib/l1.py tests/testbed/lib/pattern.py tests/testbed/lib/process.py \
	tests/testbed/lib/trace.py \
	tests/testbed/scenarios/testbed-self.py \
	tests/guests/init.sh tests/guests/io_pattern.h tests/guests/ioverify.c \
	tests/guests/powerbutton.c tests/guests/smpcount.c tests/guests/ticker.c
