// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/cpuid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"

namespace cpr::vmm {
namespace {

kvm_cpuid_entry2 leaf(uint32_t function, uint32_t index = 0) {
    kvm_cpuid_entry2 entry{};
    entry.function = function;
    entry.index = index;
    return entry;
}

struct CpuidTest : testing::Test {
    CpuidTest() {
        kvm_cpuid_entry2 vendor = leaf(0);
        vendor.eax = 0x1f;
        kvm_cpuid_entry2 features = leaf(1);
        features.ebx = 0x07ff0000;
        features.ecx = 1u << 5 | 1u << 21;
        kvm_cpuid_entry2 amd = leaf(0x80000001);
        amd.ecx = 1u << 2;
        kvm_cpuid_entry2 power = leaf(0x80000007);
        power.edx = 1u << 8;
        kvm_cpuid_entry2 paravirtual = leaf(0x40000001);
        paravirtual.eax = 0xffffffff;
        supported = {vendor,      features, leaf(0xa), leaf(0xb),       leaf(0x1f),
                     paravirtual, amd,      power,     leaf(0x8000000a)};
        config.vcpus = 4;
    }
    static const kvm_cpuid_entry2* find(const std::vector<kvm_cpuid_entry2>& entries,
                                        uint32_t function, uint32_t index = 0) {
        const auto found = std::ranges::find_if(entries, [&](const auto& entry) {
            return entry.function == function && entry.index == index;
        });
        return found == entries.end() ? nullptr : &*found;
    }

    std::vector<kvm_cpuid_entry2> supported;
    MachineConfig config;
};

TEST_F(CpuidTest, EachVcpuHasItsApicId) {
    const auto entries = make_cpuid(supported, config, 3);
    EXPECT_EQ(find(entries, 1)->ebx >> 24, 3u);
    EXPECT_EQ(find(entries, 0xb)->edx, 3u);
}

TEST_F(CpuidTest, SaysThatThereIsAHypervisorAndHidesNestedVirtualisation) {
    const auto entries = make_cpuid(supported, config, 0);
    EXPECT_TRUE(find(entries, 1)->ecx & 1u << 31);
    EXPECT_FALSE(find(entries, 1)->ecx & 1u << 5);
    EXPECT_FALSE(find(entries, 0x80000001)->ecx & 1u << 2);
    EXPECT_EQ(find(entries, 0x8000000a), nullptr);
    EXPECT_EQ(find(entries, 0xa), nullptr);
    EXPECT_EQ(find(entries, 0x1f), nullptr);
}

TEST_F(CpuidTest, WithoutATopologyEachVcpuIsASocket) {
    const auto entries = make_cpuid(supported, config, 1);
    EXPECT_EQ(find(entries, 1)->ebx >> 16 & 0xff, 1u);
    EXPECT_EQ(find(entries, 0xb, 1)->eax, 0u);
    EXPECT_EQ(find(entries, 0xb, 1)->ebx, 1u);
}

TEST_F(CpuidTest, ShowsTheTopology) {
    config.vcpus = 8;
    config.topology = {2, 1, 2, 2};
    const auto entries = make_cpuid(supported, config, 5);
    EXPECT_EQ(find(entries, 1)->ebx >> 16 & 0xff, 4u);
    EXPECT_TRUE(find(entries, 1)->edx & 1u << 28);
    EXPECT_EQ(find(entries, 0xb, 0)->eax, 1u);
    EXPECT_EQ(find(entries, 0xb, 0)->ebx, 2u);
    EXPECT_EQ(find(entries, 0xb, 1)->eax, 2u);
    EXPECT_EQ(find(entries, 0xb, 1)->ebx, 4u);
}

TEST_F(CpuidTest, RefusesATopologyWithHolesInTheApicIds) {
    config.vcpus = 6;
    config.topology = {2, 1, 3, 1};
    EXPECT_THROW(make_cpuid(supported, config, 0), Error);
    config.topology = {1, 1, 3, 2};
    EXPECT_NO_THROW(make_cpuid(supported, config, 0));
    config.topology = {1, 1, 2, 3};
    EXPECT_THROW(make_cpuid(supported, config, 0), Error);
}

TEST_F(CpuidTest, TheInvariantTscIsForGuestsThatNeverMigrate) {
    EXPECT_FALSE(find(make_cpuid(supported, config, 0), 0x80000007)->edx & 1u << 8);
    config.cpu_features["migratable"] = false;
    EXPECT_TRUE(find(make_cpuid(supported, config, 0), 0x80000007)->edx & 1u << 8);
}

TEST_F(CpuidTest, RefusesASwitchThatItDoesNotKnow) {
    config.cpu_features["avx512f"] = false;
    try {
        make_cpuid(supported, config, 0);
        FAIL() << "avx512f was ignored";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
        EXPECT_THAT(error.message(), testing::HasSubstr("avx512f"));
    }
}

TEST_F(CpuidTest, OffersOnlyParavirtualFeaturesThatAreCarriedOver) {
    const uint32_t features = find(make_cpuid(supported, config, 0), 0x40000001)->eax;
    EXPECT_TRUE(features & 1u << 3);    // kvmclock
    EXPECT_FALSE(features & 1u << 15);  // MSI with extended destination ids
    EXPECT_FALSE(features & 1u << 17);  // migration control
}

TEST_F(CpuidTest, AGuestsFeatureMustBeOnTheHost) {
    auto guest = make_cpuid(supported, config, 0);
    EXPECT_NO_THROW(check_cpuid(guest, supported));
    for (auto& entry : guest)
        if (entry.function == 1)
            entry.ecx |= 1u << 12;
    try {
        check_cpuid(guest, supported);
        FAIL() << "a missing feature was not noticed";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
        EXPECT_THAT(error.message(), testing::HasSubstr("ecx bits 0x1000"));
    }
}

}  // namespace
}  // namespace cpr::vmm
