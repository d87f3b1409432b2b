# SPDX-License-Identifier: LGPL-2.1-or-later
TOOL_TESTS = tests/tools/completion_test.py tests/tools/cpr_inspect_test.py
TESTS += $(TOOL_TESTS)
dist_check_SCRIPTS += $(TOOL_TESTS)
