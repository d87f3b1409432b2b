// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/cpuid.h"

#include <linux/kvm_para.h>

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace cpr::vmm {
namespace {

// Leaves and bits of Intel's SDM volume 2 (CPUID) and AMD's APM volume 3, appendix E.
constexpr uint32_t kCache = 4;
constexpr uint32_t kExtendedFeatures = 7;
constexpr uint32_t kPerformance = 0xa;
constexpr uint32_t kTopology = 0xb;
constexpr uint32_t kXsave = 0xd;
constexpr uint32_t kSgx = 0x12;
constexpr uint32_t kTrace = 0x14;
constexpr uint32_t kTopologyV2 = 0x1f;
constexpr uint32_t kAmdFeatures = 0x80000001;
constexpr uint32_t kPowerManagement = 0x80000007;
constexpr uint32_t kAddressSizes = 0x80000008;
constexpr uint32_t kSvm = 0x8000000a;
constexpr uint32_t kAmdCache = 0x8000001d;
constexpr uint32_t kAmdTopology = 0x8000001e;
constexpr uint32_t kSev = 0x8000001f;
constexpr uint32_t kAmdPerformance = 0x80000022;
constexpr uint32_t kAmdTopologyV2 = 0x80000026;

constexpr uint32_t kVmxBit = 1u << 5;           // 1.ecx
constexpr uint32_t kHypervisorBit = 1u << 31;   // 1.ecx
constexpr uint32_t kPdcmBit = 1u << 15;         // 1.ecx
constexpr uint32_t kHttBit = 1u << 28;          // 1.edx
constexpr uint32_t kSgxBit = 1u << 2;           // 7.0.ebx
constexpr uint32_t kTraceBit = 1u << 25;        // 7.0.ebx
constexpr uint32_t kSgxLaunchBit = 1u << 30;    // 7.0.ecx
constexpr uint32_t kCmpLegacyBit = 1u << 1;     // 80000001.ecx
constexpr uint32_t kSvmBit = 1u << 2;           // 80000001.ecx
constexpr uint32_t kPerfCoreBit = 1u << 23;     // 80000001.ecx
constexpr uint32_t kInvariantTscBit = 1u << 8;  // 80000007.edx

// What of KVM's paravirtual interface we know to carry over an update.
constexpr uint32_t kKvmFeatures =
    1u << KVM_FEATURE_CLOCKSOURCE | 1u << KVM_FEATURE_NOP_IO_DELAY |
    1u << KVM_FEATURE_CLOCKSOURCE2 | 1u << KVM_FEATURE_ASYNC_PF | 1u << KVM_FEATURE_STEAL_TIME |
    1u << KVM_FEATURE_PV_EOI | 1u << KVM_FEATURE_PV_UNHALT | 1u << KVM_FEATURE_PV_TLB_FLUSH |
    1u << KVM_FEATURE_PV_SEND_IPI | 1u << KVM_FEATURE_POLL_CONTROL |
    1u << KVM_FEATURE_PV_SCHED_YIELD | 1u << KVM_FEATURE_ASYNC_PF_INT |
    1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT;

bool is_hidden(uint32_t function) {
    return function == kTopologyV2 || function == kSvm || function == kSev || function == kSgx ||
           function == kTrace || function == kPerformance || function == kAmdPerformance ||
           function == kAmdTopologyV2;
}

// The package that a vCPU is in; bits of its APIC id tell threads of a core, and cores, apart.
struct Topology {
    uint32_t apic_id;
    uint32_t threads;     // of a core
    uint32_t processors;  // of a package

    uint32_t thread_bits() const { return static_cast<uint32_t>(std::bit_width(threads - 1)); }
    uint32_t package_bits() const {
        const uint32_t cores = processors / threads;
        return thread_bits() + static_cast<uint32_t>(std::bit_width(cores - 1));
    }
};

Topology topology_of(const MachineConfig& config, uint32_t index) {
    const CpuTopology& wanted = config.topology;
    const uint32_t cores = wanted.dies * wanted.cores;
    const uint64_t total = uint64_t{wanted.sockets} * cores * wanted.threads;
    // Nothing was said: one socket each, as QEMU does it.
    if (total != config.vcpus)
        return {index, 1, 1};
    // The tables name APIC ids 0 to N - 1, so no bits of an id may be left unused.
    const bool threads_fit = std::has_single_bit(wanted.threads) || total == wanted.threads;
    const bool cores_fit = std::has_single_bit(cores) || wanted.sockets == 1;
    if (!threads_fit || !cores_fit)
        throw Error(ErrorCode::kUnsupported,
                    "a CPU topology with {} sockets of {} cores of {} threads: several sockets "
                    "need a power of 2 of cores, and several cores a power of 2 of threads",
                    wanted.sockets, cores, wanted.threads);
    return {index, wanted.threads, cores * wanted.threads};
}

void replace_bits(uint32_t& value, uint32_t shift, uint32_t mask, uint32_t bits) {
    value = (value & ~(mask << shift)) | (bits & mask) << shift;
}

// Who shares a cache: at the last level the package, else the threads of a core.
void share_cache(kvm_cpuid_entry2& entry, const Topology& topology) {
    const uint32_t level = entry.eax >> 5 & 7;
    const uint32_t bits = level >= 3 ? topology.package_bits() : topology.thread_bits();
    replace_bits(entry.eax, 14, 0xfff, (1u << bits) - 1);
    if (entry.function == kCache && (entry.eax & 0x1f) != 0)
        replace_bits(entry.eax, 26, 0x3f,
                     (1u << (topology.package_bits() - topology.thread_bits())) - 1);
}

void fix_entry(kvm_cpuid_entry2& entry, const Topology& topology, bool invariant_tsc) {
    switch (entry.function) {
        case 1:
            replace_bits(entry.ebx, 16, 0xff, topology.processors);
            replace_bits(entry.ebx, 24, 0xff, topology.apic_id);
            entry.ecx = (entry.ecx & ~(kVmxBit | kPdcmBit)) | kHypervisorBit;
            entry.edx = topology.processors > 1 ? entry.edx | kHttBit : entry.edx & ~kHttBit;
            break;
        case kExtendedFeatures:
            if (entry.index == 0) {
                entry.ebx &= ~(kSgxBit | kTraceBit);
                entry.ecx &= ~kSgxLaunchBit;
            }
            break;
        case kCache:
        case kAmdCache:
            share_cache(entry, topology);
            break;
        case KVM_CPUID_FEATURES:
            entry.eax &= kKvmFeatures;
            break;
        case kAmdFeatures:
            entry.ecx &= ~(kSvmBit | kPerfCoreBit | kCmpLegacyBit);
            break;
        case kPowerManagement:
            if (!invariant_tsc)
                entry.edx &= ~kInvariantTscBit;
            break;
        case kAddressSizes:
            replace_bits(entry.ecx, 0, 0xff, topology.processors - 1);
            replace_bits(entry.ecx, 12, 0xf, topology.package_bits());
            break;
        case kAmdTopology:
            entry.eax = topology.apic_id;
            entry.ebx = topology.apic_id >> topology.thread_bits() | (topology.threads - 1) << 8;
            entry.ecx = topology.apic_id >> topology.package_bits();
            break;
        default:
            break;
    }
}

// Level 0 is the threads of a core, level 1 the processors of a package.
void add_topology(std::vector<kvm_cpuid_entry2>& entries, const Topology& topology) {
    const auto add = [&](uint32_t index, uint32_t shift, uint32_t processors, uint32_t type) {
        kvm_cpuid_entry2 entry{};
        entry.function = kTopology;
        entry.index = index;
        entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
        entry.eax = shift;
        entry.ebx = processors;
        entry.ecx = index | type << 8;
        entry.edx = topology.apic_id;
        entries.push_back(entry);
    };
    add(0, topology.thread_bits(), topology.threads, 1);
    add(1, topology.package_bits(), topology.processors, 2);
    add(2, 0, 0, 0);
}

// A register of CPUID that is a set of features; `ours` are bits that do not come from KVM.
struct FeatureWord {
    uint32_t function;
    uint32_t index;
    uint32_t kvm_cpuid_entry2::*member;
    const char* name;
    uint32_t ours = 0;

    uint32_t of(std::span<const kvm_cpuid_entry2> entries) const {
        const auto found = std::ranges::find_if(entries, [this](const kvm_cpuid_entry2& entry) {
            return entry.function == function && entry.index == index;
        });
        return found == entries.end() ? 0 : (*found).*member;
    }
};

constexpr FeatureWord kFeatureWords[] = {
    {1, 0, &kvm_cpuid_entry2::ecx, "ecx", kHypervisorBit},
    {1, 0, &kvm_cpuid_entry2::edx, "edx", kHttBit},
    {kExtendedFeatures, 0, &kvm_cpuid_entry2::ebx, "ebx"},
    {kExtendedFeatures, 0, &kvm_cpuid_entry2::ecx, "ecx"},
    {kExtendedFeatures, 0, &kvm_cpuid_entry2::edx, "edx"},
    {kExtendedFeatures, 1, &kvm_cpuid_entry2::eax, "eax"},
    {kXsave, 0, &kvm_cpuid_entry2::eax, "eax"},
    {kXsave, 1, &kvm_cpuid_entry2::eax, "eax"},
    {kAmdFeatures, 0, &kvm_cpuid_entry2::ecx, "ecx"},
    {kAmdFeatures, 0, &kvm_cpuid_entry2::edx, "edx"},
    {kAddressSizes, 0, &kvm_cpuid_entry2::ebx, "ebx"},
    {KVM_CPUID_FEATURES, 0, &kvm_cpuid_entry2::eax, "eax"},
};

bool invariant_tsc_wanted(const std::map<std::string, bool>& features) {
    bool wanted = false;
    for (const auto& [name, on] : features) {
        if (name != "migratable")
            throw Error(ErrorCode::kUnsupported,
                        "CPU feature '{}' cannot be switched: cpr-vmm gives the guest the host's "
                        "CPU as it is",
                        name);
        wanted = !on;
    }
    return wanted;
}

}  // namespace

std::vector<kvm_cpuid_entry2> make_cpuid(std::span<const kvm_cpuid_entry2> supported,
                                         const MachineConfig& config, uint32_t index) {
    const bool invariant_tsc = invariant_tsc_wanted(config.cpu_features);
    const Topology topology = topology_of(config, index);
    std::vector<kvm_cpuid_entry2> entries;
    uint32_t highest = 0;
    for (kvm_cpuid_entry2 entry : supported) {
        if (entry.function == 0)
            highest = entry.eax;
        if (is_hidden(entry.function) || entry.function == kTopology)
            continue;
        fix_entry(entry, topology, invariant_tsc);
        entries.push_back(entry);
    }
    if (highest >= kTopology)
        add_topology(entries, topology);
    return entries;
}

void check_cpuid(std::span<const kvm_cpuid_entry2> guest,
                 std::span<const kvm_cpuid_entry2> supported) {
    for (const FeatureWord& word : kFeatureWords) {
        const uint32_t shown = word.of(guest) & ~word.ours;
        const uint32_t missing = shown & ~word.of(supported);
        if (missing != 0)
            throw Error(ErrorCode::kUnsupported,
                        "this host's KVM lacks CPU features that the guest was shown: CPUID leaf "
                        "{:#x}.{} {} bits {:#x}",
                        word.function, word.index, word.name, missing);
    }
}

}  // namespace cpr::vmm
