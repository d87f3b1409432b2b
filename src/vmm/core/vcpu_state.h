// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_VCPU_STATE_H
#define CPR_VMM_CORE_VCPU_STATE_H

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "vmm/core/kvm_api.h"
#include "vmm/core/kvm_uapi.h"

namespace cpr::vmm {

struct MsrValue {
    static constexpr bool kFielded = true;
    uint32_t index = 0;
    uint64_t value = 0;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.index, self.value);
    }
};

struct CpuidLeaf {
    static constexpr bool kFielded = true;
    kvm_cpuid_entry2 entry{};

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive.raw(self.entry);
    }
};

// Everything that a vCPU is. The time stamp counter is there as its offset from the host's, which
// goes on: so it goes on for the guest, and stays in step on all vCPUs.
struct VcpuState {
    static constexpr std::string_view kKind = "vcpu";
    static constexpr uint16_t kVersion = 1;

    std::vector<CpuidLeaf> cpuid;
    uint32_t tsc_khz = 0;
    uint64_t tsc_offset = 0;
    kvm_regs regs{};
    kvm_sregs2 sregs{};
    kvm_debugregs debugregs{};
    kvm_xcrs xcrs{};
    std::vector<uint8_t> xsave;
    std::vector<MsrValue> msrs;
    kvm_lapic_state lapic{};
    kvm_vcpu_events events{};
    kvm_mp_state mp_state{};

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.cpuid, self.tsc_khz, self.tsc_offset);
        archive.raw(self.regs);
        archive.raw(self.sregs);
        archive.raw(self.debugregs);
        archive.raw(self.xcrs);
        archive(self.xsave, self.msrs);
        archive.raw(self.lapic);
        archive.raw(self.events);
        archive.raw(self.mp_state);
    }
    void validate() const;
};

// Reads a stopped vCPU. `cpuid` is what it was given; `msr_indices` are the host's. Throws Error.
VcpuState save_vcpu(KvmVcpu& vcpu, std::span<const kvm_cpuid_entry2> cpuid,
                    std::span<const uint32_t> msr_indices);

// Makes a stopped vCPU, which was given its CPUID, of this state. Throws Error, which names what
// the host does not take.
void restore_vcpu(KvmVcpu& vcpu, const VcpuState& state);

}  // namespace cpr::vmm

#endif
