# SPDX-License-Identifier: LGPL-2.1-or-later
TESTS += tests/tools/cpr_inspect_test.py
dist_check_SCRIPTS += tests/tools/cpr_inspect_test.py
