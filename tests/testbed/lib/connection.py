# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connection to libvirt's daemon, for what scenarios only look at: in the emulated machine each start of virsh takes
most of a second. Not for the host, which may lack the modules."""

import libvirt
import libvirt_qemu

from .l1 import Failure

# As virsh names them (virsh-domain-monitor.c), by virDomainState.
STATES = ("no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended")
# What a call over a connection meets whose daemon has been restarted.
BROKEN = {libvirt.VIR_ERR_RPC, libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR,
          libvirt.VIR_ERR_INVALID_CONN}

# Errors are exceptions, and are not to be printed as well.
libvirt.registerErrorHandler(lambda *_: None, None)


class Connection:
    """Opened when it is needed, and anew when the daemon has been restarted."""

    def __init__(self):
        self.opened = None

    def call(self, name, function):
        """function(domain) for the domain of that name."""
        if self.opened is not None:
            try:
                return function(self.opened.lookupByName(name))
            except libvirt.libvirtError as error:
                if error.get_error_code() not in BROKEN:
                    raise Failure(str(error)) from None
        try:
            self.opened = libvirt.open("qemu:///system")
            return function(self.opened.lookupByName(name))
        except libvirt.libvirtError as error:
            raise Failure(str(error)) from None

    def state(self, name):
        """The state as virsh names it."""
        return STATES[self.call(name, lambda domain: domain.state()[0])]

    def monitor_command(self, name, text):
        """The answer to a command of the domain's monitor, as text."""
        return self.call(name, lambda domain: libvirt_qemu.qemuMonitorCommand(domain, text, 0))
