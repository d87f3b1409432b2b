# SPDX-License-Identifier: LGPL-2.1-or-later
"""What scenarios use inside L1 (the modules without L1's paths also on the host)."""
