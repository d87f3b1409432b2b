# SPDX-License-Identifier: LGPL-2.1-or-later
"""In-place VMM updates for the instances of an OpenStack cloud.

The agent of a compute host is everything beside `osc`, which is the plugin of the `openstack`
command, and imports nothing of it but `nova_client` and what that needs.
"""
