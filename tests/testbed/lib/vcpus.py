# SPDX-License-Identifier: LGPL-2.1-or-later
"""The vCPUs of a guest, as KVM sees them: for looking into a guest that hangs."""

import os
import re

# linux/kvm.h
KVM_GET_REGS = 0x8090AE81
KVM_GET_MP_STATE = 0x8004AE98
KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_HALTED = 0, 3
REGS_RIP, REGS_RFLAGS = 128, 136
RFLAGS_IF = 1 << 9
SPIN_LOOP_BYTES = 64


class Vcpu:
    """What a vCPU was about to do when it was stopped."""

    def __init__(self, index, rip, rflags, mp_state):
        self.index = index
        self.rip = rip
        self.rflags = rflags
        self.mp_state = mp_state

    def __str__(self):
        return (f"vCPU {self.index}: rip {self.rip:#x}, rflags {self.rflags:#x}, "
                f"mp_state {self.mp_state}")

    def stuck_since(self, earlier):
        """Whether it is where it was, with interrupts off: Linux is there for long only in a spin
        lock, halted if another CPU could give it a kick."""
        interrupts_off = not (self.rflags | earlier.rflags) & RFLAGS_IF
        halted = self.mp_state == earlier.mp_state == KVM_MP_STATE_HALTED
        return interrupts_off and (halted or abs(self.rip - earlier.rip) < SPIN_LOOP_BYTES) \
            and self.mp_state in (KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_HALTED)


def vcpus(l1, pid):
    """All vCPUs of the VMM with that PID, which must be paused. KVM answers only to the process that
    made the machine: a debugger asks in its name."""
    commands = ["set $area = (char *) malloc(512)"]
    found = sorted(vcpu_descriptors(pid).items())
    for index, descriptor in found:
        commands += [
            f"call (int) ioctl({descriptor}, {KVM_GET_REGS}UL, $area)",
            f"set $guest_rip = *(unsigned long *) ($area + {REGS_RIP})",
            f"set $guest_rflags = *(unsigned long *) ($area + {REGS_RFLAGS})",
            f"call (int) ioctl({descriptor}, {KVM_GET_MP_STATE}UL, $area)",
            f'printf "vcpu {index} %lx %lx %u\\n", $guest_rip, $guest_rflags, *(unsigned *) $area',
        ]
    argv = ["gdb", "-p", pid, "-batch"]
    for command in commands:
        argv += ["-ex", command]
    text = l1.run(*argv, check=False, timeout=120).stdout
    lines = re.findall(r"^vcpu (\d+) (\w+) (\w+) (\d+)$", text, re.MULTILINE)
    l1.require(len(lines) == len(found), f"the debugger found {len(lines)} of {len(found)} vCPUs")
    return [Vcpu(int(index), int(rip, 16), int(rflags, 16), int(state))
            for index, rip, rflags, state in lines]


def vcpu_descriptors(pid):
    """{index: descriptor} in the VMM."""
    descriptors = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
        found = re.fullmatch(r"anon_inode:kvm-vcpu:(\d+)", target)
        if found:
            descriptors[int(found.group(1))] = name
    return descriptors
