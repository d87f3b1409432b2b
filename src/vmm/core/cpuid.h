// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_CPUID_H
#define CPR_VMM_CORE_CPUID_H

#include <cstdint>
#include <span>
#include <vector>

#include "vmm/core/kvm_uapi.h"
#include "vmm/core/machine_config.h"

namespace cpr::vmm {

// What CPUID tells the guest on vCPU `index`: what KVM supports on this host, without nested
// virtualisation, performance counters, processor trace and enclaves, and with the topology of
// `config`. The switches of -cpu host are "migratable" alone (on unless said otherwise: hides the
// invariant TSC). Throws Error kUnsupported for another switch, and for a topology whose APIC ids
// would not be consecutive.
std::vector<kvm_cpuid_entry2> make_cpuid(std::span<const kvm_cpuid_entry2> supported,
                                         const MachineConfig& config, uint32_t index);

// Throws Error kUnsupported if the guest was shown a CPU feature that this host's KVM does not
// have.
void check_cpuid(std::span<const kvm_cpuid_entry2> guest,
                 std::span<const kvm_cpuid_entry2> supported);

}  // namespace cpr::vmm

#endif
