#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ansible module: the domains of a libvirt host, and which of them run on an outdated VMM."""

import os
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.libvirt_cpr_host import (compare, is_going, parse_domstats, parse_emulators,
                                                   parse_metrics)

DOCUMENTATION = """
module: libvirt_cpr_host_info
short_description: tell of the domains of a libvirt host and of their VMMs
description:
  - Fails if libvirt does not answer, or libvirt-cpr is not installed.
  - Changes nothing.
options:
  uri:
    description: How libvirt is reached on the host.
    type: str
    default: qemu:///system
  before:
    description: The RV(domains) of an earlier look, to compare with.
    type: dict
    default: {}
author: The libvirt-cpr authors
"""

EXAMPLES = """
- name: Look at the host
  libvirt_cpr_host_info:
  register: host
"""

RETURN = """
domains:
  description: All domains by name, with the numbers that libvirt has for state and reason.
  type: dict
going:
  description: How many of their guests run.
  type: int
stopped:
  description: Guests that ran in RV(before) and have crashed or stand still now.
  type: list
gone:
  description: Guests that ran in RV(before) and were ended by somebody since.
  type: list
outdated:
  description: Running domains whose VMM is another than emulators.conf names.
  type: list
current:
  description: Running domains whose VMM is the one that emulators.conf names.
  type: list
unknown:
  description: How many running domains could not tell.
  type: int
unsupported:
  description: How many running domains were not started by an emulator program of libvirt-cpr's.
  type: int
emulators:
  description: The emulator programs that can be used, with their VMMs.
  type: dict
"""

ENVIRONMENT = {"LC_ALL": "C"}


def output(module, what, *command):
    """What a command prints; without it the module fails and says what the host lacks."""
    status, out, err = module.run_command(list(command), environ_update=ENVIRONMENT)
    if status != 0:
        module.fail_json(msg="%s on this host: '%s' failed: %s" % (what, " ".join(command), " ".join(err.split())))
    return out


def metrics(module, uri):
    """The text of the metrics."""
    folder = tempfile.mkdtemp(prefix="libvirt-cpr-")
    path = os.path.join(folder, "metrics")
    try:
        output(module, "libvirt-cpr cannot be asked", "virt-update-in-place", "-c", uri, "--metrics", path)
        with open(path, encoding="utf-8") as file:
            return file.read()
    finally:
        if os.path.exists(path):
            os.unlink(path)
        os.rmdir(folder)


def main():
    """Entry of the module."""
    module = AnsibleModule(argument_spec={"uri": {"type": "str", "default": "qemu:///system"},
                                          "before": {"type": "dict", "default": {}}}, supports_check_mode=True)
    uri = module.params["uri"]
    domains = parse_domstats(output(module, "libvirt does not answer", "virsh", "-q", "-c", uri, "domstats", "--state"))
    emulators = parse_emulators(output(module, "the emulator programs are not known", "virt-cpr-emulators", "list"))
    module.exit_json(changed=False, domains=domains, going=sum(map(is_going, domains.values())), emulators=emulators,
                     **compare(module.params["before"], domains), **parse_metrics(metrics(module, uri)))


if __name__ == "__main__":
    main()
