// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/vcpu_state.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace cpr::vmm {
namespace {

// Numbers of Intel's SDM volume 4, and of Linux' kvm_para.h.
constexpr uint32_t kMsrTsc = 0x10;
constexpr uint32_t kMsrApicBase = 0x1b;
constexpr uint32_t kMsrTscDeadline = 0x6e0;
constexpr uint32_t kMsrAsyncPfEnable = 0x4b564d02;
// Nothing but what was measured, and KVM refuses a write.
constexpr uint32_t kMsrAperf = 0xe8;
constexpr uint32_t kMsrMperf = 0xe7;

// The time stamp counter goes by its offset, the APIC base with the special registers.
bool is_saved_elsewhere(uint32_t index) {
    return index == kMsrTsc || index == kMsrApicBase || index == kMsrAperf || index == kMsrMperf;
}

// Some need others to be there first: the deadline the timer's mode in the local APIC, and the
// paravirtual page faults their interrupt vector.
int order_of(uint32_t index) {
    return index == kMsrTscDeadline || index == kMsrAsyncPfEnable ? 1 : 0;
}

void restore_msrs(KvmVcpu& vcpu, std::span<const MsrValue> msrs) {
    for (int round = 0; round < 2; ++round)
        for (const MsrValue& msr : msrs) {
            if (order_of(msr.index) != round || vcpu.set_msr(msr.index, msr.value))
                continue;
            // Read-only ones are fine as long as they say the same.
            if (vcpu.msr(msr.index) != msr.value)
                throw Error(ErrorCode::kUnsupported,
                            "this host's KVM does not take the value {:#x} of model-specific "
                            "register {:#x}",
                            msr.value, msr.index);
        }
}

}  // namespace

void VcpuState::validate() const {
    if (cpuid.empty() || cpuid.size() > 256)
        throw Error(ErrorCode::kCorruptState, "a CPU with {} CPUID leaves", cpuid.size());
    if (xsave.size() < sizeof(kvm_xsave))
        throw Error(ErrorCode::kCorruptState, "an extended register state of {} bytes",
                    xsave.size());
}

VcpuState save_vcpu(KvmVcpu& vcpu, std::span<const kvm_cpuid_entry2> cpuid,
                    std::span<const uint32_t> msr_indices) {
    VcpuState state;
    for (const kvm_cpuid_entry2& entry : cpuid)
        state.cpuid.push_back({entry});
    state.tsc_khz = vcpu.tsc_khz();
    state.tsc_offset = vcpu.tsc_offset();
    // First: KVM settles a pending INIT or SIPI when it is asked for the run state.
    vcpu.get(state.mp_state);
    vcpu.get(state.regs);
    vcpu.get(state.sregs);
    vcpu.get(state.debugregs);
    vcpu.get(state.xcrs);
    state.xsave = vcpu.xsave();
    for (const uint32_t index : msr_indices) {
        if (is_saved_elsewhere(index))
            continue;
        if (const auto value = vcpu.msr(index))
            state.msrs.push_back({index, *value});
    }
    vcpu.get(state.lapic);
    vcpu.get(state.events);
    return state;
}

void restore_vcpu(KvmVcpu& vcpu, const VcpuState& state) {
    if (vcpu.tsc_khz() != state.tsc_khz)
        vcpu.set_tsc_khz(state.tsc_khz);
    vcpu.set_tsc_offset(state.tsc_offset);
    // The special registers hold the APIC's base and mode, which decide how its page is read; they
    // also clear a pending exception, so the events come after them.
    vcpu.set(state.sregs);
    vcpu.set(state.debugregs);
    vcpu.set(state.xcrs);
    vcpu.set_xsave(state.xsave);
    vcpu.set(state.lapic);
    restore_msrs(vcpu, state.msrs);
    vcpu.set(state.regs);
    vcpu.set(state.mp_state);
    vcpu.set(state.events);
}

}  // namespace cpr::vmm
