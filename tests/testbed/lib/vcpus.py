# SPDX-License-Identifier: LGPL-2.1-or-later
"""The vCPUs of a guest, as KVM sees them: for looking into a guest that hangs."""

import os
import re

# linux/kvm.h
KVM_GET_REGS = 0x8090AE81
KVM_GET_MP_STATE = 0x8004AE98
KVM_GET_LAPIC = 0x8400AE8E
LAPIC_BYTES = 1024
# The local APIC's in-service register: eight words (Intel SDM 3A, 11.8.4).
LAPIC_ISR, LAPIC_WORDS, LAPIC_STRIDE = 0x100, 8, 0x10
KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_HALTED = 0, 3
REGS_RIP, REGS_RFLAGS = 128, 136
RFLAGS_IF = 1 << 9
SPIN_LOOP_BYTES = 64


class Vcpu:
    """What a vCPU was about to do when it was stopped."""

    def __init__(self, index, rip, rflags, mp_state, in_service=0):
        """`in_service` has a bit for each vector whose handler has not ended it."""
        self.index = index
        self.in_service = in_service
        self.rip = rip
        self.rflags = rflags
        self.mp_state = mp_state

    def __str__(self):
        return (f"vCPU {self.index}: rip {self.rip:#x}, rflags {self.rflags:#x}, "
                f"mp_state {self.mp_state}, in service {self.vectors()}")

    def vectors(self):
        """Of the interrupts in service."""
        return [hex(bit) for bit in range(256) if self.in_service >> bit & 1]

    def deaf_since(self, earlier):
        """Whether an interrupt is in service in vain: Linux has interrupts off until it has ended one,
        and as long as that is missing none of lower priority comes."""
        interrupts_on = self.rflags & earlier.rflags & RFLAGS_IF
        return bool(interrupts_on and self.in_service & earlier.in_service)

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
    commands = [f"set $area = (char *) malloc({LAPIC_BYTES})"]
    words = ", ".join(f"*(unsigned *) ($area + {LAPIC_ISR + LAPIC_STRIDE * word})"
                      for word in range(LAPIC_WORDS))
    found = sorted(vcpu_descriptors(pid).items())
    for index, descriptor in found:
        commands += [
            f"call (int) ioctl({descriptor}, {KVM_GET_REGS}UL, $area)",
            f"set $guest_rip = *(unsigned long *) ($area + {REGS_RIP})",
            f"set $guest_rflags = *(unsigned long *) ($area + {REGS_RFLAGS})",
            f"call (int) ioctl({descriptor}, {KVM_GET_MP_STATE}UL, $area)",
            "set $mp_state = *(unsigned *) $area",
            f"call (int) ioctl({descriptor}, {KVM_GET_LAPIC}UL, $area)",
            f'printf "vcpu {index} %lx %lx %u' + " %x" * LAPIC_WORDS +
            f'\\n", $guest_rip, $guest_rflags, $mp_state, {words}',
        ]
    argv = ["gdb", "-p", pid, "-batch"]
    for command in commands:
        argv += ["-ex", command]
    text = l1.run(*argv, check=False, timeout=120).stdout
    lines = re.findall(r"^vcpu (\d+) (\w+) (\w+) (\d+)((?: \w+)+)$", text, re.MULTILINE)
    l1.require(len(lines) == len(found), f"the debugger found {len(lines)} of {len(found)} vCPUs")
    return [Vcpu(int(index), int(rip, 16), int(rflags, 16), int(state), in_service_of(isr.split()))
            for index, rip, rflags, state, isr in lines]


def in_service_of(words):
    """The bits of the register's words, which are hexadecimal, lowest first."""
    return sum(int(word, 16) << (32 * place) for place, word in enumerate(words))


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
