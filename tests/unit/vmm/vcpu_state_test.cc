// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/vcpu_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "fakes/fake_kvm.h"
#include "state/archive.h"

namespace cpr::vmm {
namespace {

using fakes::FakeKvmVcpu;
using fakes::FakeKvmWorld;

std::vector<uint8_t> bytes_of(const VcpuState& state) {
    state::OutArchive archive;
    VcpuState::fields(state, archive);
    return archive.take();
}

struct VcpuStateTest : testing::Test {
    FakeKvmWorld world;
    FakeKvmVcpu vcpu{world, 0};
    std::vector<kvm_cpuid_entry2> cpuid{1};
    std::vector<uint32_t> indices{0x10, 0x174, 0x6e0, 0x999};

    // A vCPU with a value of its own in every part.
    VcpuState filled() {
        kvm_regs regs{};
        regs.rip = 0x1234;
        vcpu.set(regs);
        kvm_sregs2 sregs{};
        sregs.cr3 = 0x5000;
        vcpu.set(sregs);
        kvm_debugregs debugregs{};
        debugregs.dr7 = 0x400;
        vcpu.set(debugregs);
        kvm_xcrs xcrs{};
        xcrs.nr_xcrs = 1;
        vcpu.set(xcrs);
        kvm_lapic_state lapic{};
        lapic.regs[0x20] = 3;
        vcpu.set(lapic);
        kvm_vcpu_events events{};
        events.nmi.pending = 1;
        vcpu.set(events);
        vcpu.set(kvm_mp_state{KVM_MP_STATE_HALTED});
        std::vector<uint8_t> xsave(sizeof(kvm_xsave), 0x5a);
        vcpu.set_xsave(xsave);
        vcpu.msrs[0x174] = 0x10;
        vcpu.msrs[0x6e0] = 77;
        vcpu.set_tsc_offset(12345);
        return save_vcpu(vcpu, cpuid, indices);
    }
    size_t place_of(const std::string& call) {
        const auto found = std::ranges::find(world.calls, call);
        EXPECT_NE(found, world.calls.end()) << call;
        return static_cast<size_t>(found - world.calls.begin());
    }
};

TEST_F(VcpuStateTest, EveryPartSurvivesSaveAndRestore) {
    const VcpuState saved = filled();
    FakeKvmWorld other_world;
    FakeKvmVcpu other(other_world, 0);
    EXPECT_NE(bytes_of(save_vcpu(other, cpuid, indices)), bytes_of(saved));
    restore_vcpu(other, saved);
    EXPECT_EQ(bytes_of(save_vcpu(other, cpuid, indices)), bytes_of(saved));
}

TEST_F(VcpuStateTest, TheTimeStampCounterGoesByItsOffsetOnly) {
    const VcpuState saved = filled();
    EXPECT_EQ(saved.tsc_offset, 12345u);
    for (const MsrValue& msr : saved.msrs)
        EXPECT_NE(msr.index, 0x10u);
    restore_vcpu(vcpu, saved);
    EXPECT_THAT(world.calls, testing::Not(testing::Contains("set msr 0x10")));
}

TEST_F(VcpuStateTest, RegistersThatTheHostDoesNotHaveAreLeftOut) {
    for (const MsrValue& msr : filled().msrs)
        EXPECT_NE(msr.index, 0x999u);
}

TEST_F(VcpuStateTest, RestoresInTheOrderThatKvmNeeds) {
    const VcpuState saved = filled();
    world.calls.clear();
    restore_vcpu(vcpu, saved);
    EXPECT_LT(place_of("set tsc_offset"), place_of("set msr 0x6e0"));
    EXPECT_LT(place_of("set sregs"), place_of("set lapic"));
    EXPECT_LT(place_of("set lapic"), place_of("set msr 0x6e0"));
    EXPECT_LT(place_of("set msr 0x174"), place_of("set msr 0x6e0"));
    EXPECT_LT(place_of("set sregs"), place_of("set events"));
    EXPECT_LT(place_of("set regs"), place_of("set events"));
    EXPECT_LT(place_of("set lapic"), place_of("set mp_state"));
}

TEST_F(VcpuStateTest, AReadOnlyRegisterMayStayWhatItIs) {
    VcpuState saved = filled();
    world.read_only_msrs[0x174] = 0x10;
    EXPECT_NO_THROW(restore_vcpu(vcpu, saved));
    world.read_only_msrs[0x174] = 0x11;
    try {
        restore_vcpu(vcpu, saved);
        FAIL() << "a register with another value was accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
        EXPECT_THAT(error.message(), testing::HasSubstr("0x174"));
    }
}

TEST_F(VcpuStateTest, RefusesAStateThatNoVcpuCanHave) {
    VcpuState saved = filled();
    EXPECT_NO_THROW(saved.validate());
    saved.xsave.resize(16);
    EXPECT_THROW(saved.validate(), Error);
    saved = filled();
    saved.cpuid.clear();
    EXPECT_THROW(saved.validate(), Error);
}

}  // namespace
}  // namespace cpr::vmm
