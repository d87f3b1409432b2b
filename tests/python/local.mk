# SPDX-License-Identifier: LGPL-2.1-or-later
TESTS += tests/python/libvirt_cpr_test.py
dist_check_SCRIPTS += tests/python/libvirt_cpr_test.py
