# SPDX-License-Identifier: LGPL-2.1-or-later
check_PROGRAMS += tests/unit_vmm_sandbox
TESTS += tests/unit_vmm_sandbox
tests_unit_vmm_sandbox_SOURCES = tests/unit/vmm_sandbox/sandbox_test.cc
tests_unit_vmm_sandbox_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_vmm_sandbox_LDADD = src/vmm/libvmm.la $(SECCOMP_LIBS) $(UNIT_LIBS)
