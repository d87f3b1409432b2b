#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ansible module: domains of a libvirt host are updated in place, or it is checked whether they could be."""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.libvirt_cpr_host import describe_failures, failures_of, parse_domstats, parse_results

DOCUMENTATION = """
module: libvirt_cpr_update_domains
short_description: update the VMM of running domains in place
description:
  - Updates the domains to the VMM that emulators.conf of the host names for them.
  - In check mode, or with O(check), it is only validated whether they could be updated.
options:
  domains:
    description: Names of running domains.
    type: list
    elements: str
    required: true
  uri:
    description: How libvirt is reached on the host.
    type: str
    default: qemu:///system
  check:
    description: Only validate.
    type: bool
    default: false
  parallel:
    description: So many domains are updated at a time.
    type: int
    default: 1
  max_failures:
    description: So many domains may be refused or rolled back; with the next one the module fails.
    type: int
    default: 0
  max_pause:
    description: No guest may be paused for longer than so many milliseconds. 0 is no limit.
    type: int
    default: 0
author: The libvirt-cpr authors
"""

EXAMPLES = """
- name: Update two guests
  libvirt_cpr_update_domains:
    domains: [g1, g2]
    max_pause: 500
"""

RETURN = """
results:
  description: >-
    Of each domain its name, RV(result) (done, refused, rolled-back, cancelled, failed, gone, not begun), versions,
    pause, and why if it is not done.
  type: list
"""

ENVIRONMENT = {"LC_ALL": "C"}
WORDS = {True: "cannot be updated", False: "were not updated"}


def command(params, check):
    """The words of the command line."""
    words = ["virt-update-in-place", "--json", "-c", params["uri"], "--host-parallel", str(params["parallel"])]
    if check:
        words.append("--check")
    else:
        words += ["--max-failures", str(params["max_failures"] + 1)]
    if params["max_pause"]:
        words += ["--max-pause", str(params["max_pause"])]
    return words + params["domains"]


def note_gone(module, results):
    """A domain that has ended in the meantime is no failed update."""
    names = [result["domain"] for result in failures_of(results)]
    if not names:
        return
    status, out, _ = module.run_command(["virsh", "-q", "-c", module.params["uri"], "domstats", "--state",
                                         "--list-active"], environ_update=ENVIRONMENT)
    active = parse_domstats(out)
    for result in results:
        if status == 0 and result["domain"] in names and result["domain"] not in active:
            result["result"] = "gone"


def main():
    """Entry of the module."""
    module = AnsibleModule(argument_spec={
        "domains": {"type": "list", "elements": "str", "required": True},
        "uri": {"type": "str", "default": "qemu:///system"}, "check": {"type": "bool", "default": False},
        "parallel": {"type": "int", "default": 1}, "max_failures": {"type": "int", "default": 0},
        "max_pause": {"type": "int", "default": 0}}, supports_check_mode=True)
    params, check = module.params, module.params["check"] or module.check_mode
    if not params["domains"]:
        module.exit_json(changed=False, results=[])
    _, out, err = module.run_command(command(params, check), environ_update=ENVIRONMENT)
    results = parse_results(out, params["domains"], err)
    note_gone(module, results)
    failures = failures_of(results)
    done = sum(result["result"] == "done" for result in results)
    changed = bool(done) and not check
    if len(failures) > params["max_failures"]:
        module.fail_json(changed=changed, results=results, msg="%d of %d domains %s, and %d may fail: %s" % (
            len(failures), len(results), WORDS[check], params["max_failures"], describe_failures(results)))
    module.exit_json(changed=changed, results=results)


if __name__ == "__main__":
    main()
