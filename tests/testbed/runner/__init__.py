# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host side of the testbed: builds the Debian tree, boots L1 and runs scenarios in it."""
