# SPDX-License-Identifier: LGPL-2.1-or-later
PYTHON_TESTS = tests/python/ansible_role_test.py tests/python/libvirt_cpr_test.py
TESTS += $(PYTHON_TESTS)
dist_check_SCRIPTS += $(PYTHON_TESTS)
