# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may ask the agent for what: the rules of oslo.policy, and their defaults."""
from oslo_policy import policy

LIST = "libvirt_cpr:vmm:list"
CHECK = "libvirt_cpr:vmm:check"
UPDATE = "libvirt_cpr:vmm:update"

_ADMIN = "role:admin"


def _rule(name, description, method, path):
    return policy.DocumentedRuleDefault(name, _ADMIN, description, [{"path": path, "method": method}])


def list_rules():
    """All of them, for the enforcer and for oslopolicy-sample-generator."""
    return [
        _rule(LIST, "Tell of the host's instances, their VMMs, and jobs", "GET", "/v1/instances, /v1/jobs"),
        _rule(CHECK, "Check whether instances can be updated", "POST", "/v1/jobs (action check)"),
        _rule(UPDATE, "Update the VMM of instances", "POST", "/v1/jobs (action update)"),
    ]


def enforcer(conf):
    """What decides, by the rules and the operator's policy file."""
    made = policy.Enforcer(conf)
    made.register_defaults(list_rules())
    return made
