# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes VMMs fail from outside, by the library of tests/testbed/faults."""

import errno
import mmap
import pathlib
import signal
import struct

from .l1 import FILES

PAGE = pathlib.Path("/run/cpr-fault-page")
ENVIRONMENT = (("LD_PRELOAD", FILES / "inject.so"), ("CPR_FAULT_PAGE", PAGE))

# As in tests/testbed/faults/inject.c.
LAYOUT = struct.Struct("=IIIIIIiII64s")
IOCTL, SENDMSG, MMAP, PWRITE, EXECVEAT, MEMFD, PREAD, READV = range(1, 9)
ERROR, SIGNAL, HANG, EXIT, GARBAGE, DELAY, CORRUPT = range(1, 8)

# Numbers of <linux/kvm.h> and <linux/vfio.h>.
REQUESTS = {
    "KVM_CREATE_VM": 0xae01, "KVM_CREATE_VCPU": 0xae41, "KVM_CREATE_IRQCHIP": 0xae60,
    "KVM_SET_USER_MEMORY_REGION": 0x4020ae46, "KVM_IRQFD": 0x4020ae76,
    "KVM_SET_GSI_ROUTING": 0x4008ae6a, "KVM_GET_LAPIC": 0x8400ae8e, "KVM_SET_LAPIC": 0x4400ae8f,
    "KVM_KVMCLOCK_CTRL": 0xaead, "KVM_GET_CLOCK": 0x8030ae7c, "KVM_SET_CLOCK": 0x4030ae7b,
    "VFIO_CHECK_EXTENSION": 0x3b65, "VFIO_GROUP_SET_CONTAINER": 0x3b68,
    "VFIO_IOMMU_MAP_DMA": 0x3b71, "VFIO_IOMMU_UNMAP_DMA": 0x3b72,
}

# Which message of a VMM's tells of what: of the old one after two of its threads in the validation
# and the rehearsal, and again in the preparation; of the new one after greeting and capabilities.
TELLS_OF_BINARY = 7
TELLS_OF_LOAD, TELLS_OF_ENTRY = 3, 6
# Of a guest that was paused, which is not entered.
TELLS_OF_FINISH = 7


class Fault:
    """What happens, and where: at the `nth` call of a kind in the old or the new VMM."""

    def __init__(self, program, call, action, nth=1, after=None):
        """`call` is the name of an ioctl's request or one of the kinds above; calls count from the
        first ioctl `after` on."""
        self.program = program
        self.kind, self.request = (IOCTL, REQUESTS[call]) if call in REQUESTS else (call, 0)
        self.action, self.value = action
        self.nth = nth
        self.after = REQUESTS[after] if after else 0


def saving(call, action, nth=1, program="old"):
    """A fault of the old VMM in the save, which begins by detaching irqfds: a rehearsal makes some
    of the same calls before."""
    return Fault(program, call, action, nth, after="KVM_IRQFD")


def error(name):
    """The call fails with an error such as EINVAL."""
    return ERROR, getattr(errno, name)


def killed(name):
    """A signal such as SIGKILL comes directly before the call."""
    return SIGNAL, getattr(signal, name)


def delayed(milliseconds):
    """The call takes so much longer."""
    return DELAY, milliseconds


HANGS = (HANG, 0)
EXITS = (EXIT, 1)
# On a monitor, what is no QMP; into a file, half of it.
TALKS_GARBAGE = (GARBAGE, 0)
# A byte in the middle of what is written or read is another.
CORRUPTED = (CORRUPT, 0)


class Injector:
    """The page of orders. A VMM that is to be given some needs it as it starts. Delays are `slow` times
    as long."""

    def __init__(self, slow=1):
        self.slow = slow
        # Not made anew: a VMM that has the page already would be killed by its absence.
        PAGE.touch()
        PAGE.chmod(0o666)  # VMMs may be anybody's
        with open(PAGE, "r+b") as page:
            page.truncate(mmap.PAGESIZE)
            self.memory = mmap.mmap(page.fileno(), mmap.PAGESIZE)
        self.disarm()

    def arm(self, fault, program):
        """Give an order to the program of that name."""
        value = fault.value * self.slow if fault.action == DELAY else fault.value
        self.memory[:LAYOUT.size] = LAYOUT.pack(
            0, fault.kind, fault.request, fault.nth, fault.after, fault.action, value, 0, 0,
            program.encode())
        self.memory[:4] = struct.pack("=I", 1)

    def fired(self):
        """Whether it was carried out, or begun to be."""
        return LAYOUT.unpack(self.memory[:LAYOUT.size])[8] != 0

    def disarm(self):
        """Take the order back."""
        self.memory[:4] = bytes(4)
