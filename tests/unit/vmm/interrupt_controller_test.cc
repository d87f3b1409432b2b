// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/interrupt_controller.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "fakes/fake_kvm.h"
#include "vmm/core/platform.h"

namespace cpr::vmm {
namespace {

struct InterruptControllerTest : testing::Test {
    fakes::FakeKvmWorld world;
    fakes::FakeKvmVm vm{world};
    KvmInterrupts interrupts{vm};

    std::vector<kvm_irq_routing_entry> routes_of(uint32_t gsi) {
        std::vector<kvm_irq_routing_entry> found;
        std::ranges::copy_if(world.routes, std::back_inserter(found),
                             [gsi](const auto& entry) { return entry.gsi == gsi; });
        return found;
    }
};

TEST_F(InterruptControllerTest, LinesReachPicAndIoApic) {
    ASSERT_EQ(routes_of(4).size(), 2u);
    ASSERT_EQ(routes_of(17).size(), 1u);
    EXPECT_EQ(routes_of(17)[0].u.irqchip.irqchip, uint32_t{KVM_IRQCHIP_IOAPIC});
    EXPECT_EQ(routes_of(17)[0].u.irqchip.pin, 17u);
}

TEST_F(InterruptControllerTest, TheTimerArrivesAtPinTwo) {
    const auto routes = routes_of(0);
    ASSERT_EQ(routes.size(), 2u);
    EXPECT_EQ(routes[1].u.irqchip.irqchip, uint32_t{KVM_IRQCHIP_IOAPIC});
    EXPECT_EQ(routes[1].u.irqchip.pin, 2u);
    EXPECT_TRUE(routes_of(2).empty());
}

TEST_F(InterruptControllerTest, AMessageHasAGsiOfItsOwn) {
    const auto first = interrupts.make_msi_route();
    const auto second = interrupts.make_msi_route();
    first->set(0xfee01000, 0x31);
    second->set(0x1'fee02000, 0x32);
    const auto route = routes_of(platform::kFirstMsiGsi + 1);
    ASSERT_EQ(route.size(), 1u);
    EXPECT_EQ(route[0].type, uint32_t{KVM_IRQ_ROUTING_MSI});
    EXPECT_EQ(route[0].u.msi.address_lo, 0xfee02000u);
    EXPECT_EQ(route[0].u.msi.address_hi, 1u);
    EXPECT_EQ(route[0].u.msi.data, 0x32u);
    EXPECT_EQ(routes_of(4).size(), 2u);
}

TEST_F(InterruptControllerTest, TheSameMessageAgainIsNotSentToKvm) {
    const auto route = interrupts.make_msi_route();
    route->set(0xfee01000, 0x31);
    const size_t before = world.calls.size();
    route->set(0xfee01000, 0x31);
    EXPECT_EQ(world.calls.size(), before);
}

TEST_F(InterruptControllerTest, DevicesShareALineByTheirEventfds) {
    using Irqfd = fakes::FakeKvmWorld::LevelIrqfd;
    interrupts.attach_line(17, 7, 8);
    interrupts.attach_line(17, 9, 10);
    EXPECT_EQ(world.level_irqfds, (std::vector<Irqfd>{{17, 7, 8}, {17, 9, 10}}));
    interrupts.detach_line(17, 7);
    EXPECT_EQ(world.level_irqfds, (std::vector<Irqfd>{{17, 9, 10}}));
    world.refused = "assign level irqfd";
    EXPECT_THROW(interrupts.attach_line(18, 11, 12), Error);
}

TEST_F(InterruptControllerTest, AttachAndDetachAreIdempotent) {
    const auto route = interrupts.make_msi_route();
    route->set(0xfee01000, 0x31);
    route->detach();
    route->attach(7);
    route->attach(7);
    EXPECT_EQ(std::ranges::count(world.calls, "assign irqfd"), 1);
    EXPECT_EQ(world.irqfds.at(platform::kFirstMsiGsi), 7);
    route->attach(8);
    EXPECT_EQ(world.irqfds.at(platform::kFirstMsiGsi), 8);
    route->detach();
    route->detach();
    EXPECT_TRUE(world.irqfds.empty());
    EXPECT_EQ(std::ranges::count(world.calls, "deassign irqfd"), 2);
}

TEST_F(InterruptControllerTest, ARouteThatGoesLeavesNothing) {
    auto route = interrupts.make_msi_route();
    route->set(0xfee01000, 0x31);
    route->attach(7);
    route.reset();
    EXPECT_TRUE(world.irqfds.empty());
    EXPECT_TRUE(routes_of(platform::kFirstMsiGsi).empty());
    const auto next = interrupts.make_msi_route();
    next->set(0xfee01000, 0x32);
    EXPECT_EQ(routes_of(platform::kFirstMsiGsi).size(), 1u);
}

TEST_F(InterruptControllerTest, KvmsRefusalLeavesTheOldMessage) {
    const auto route = interrupts.make_msi_route();
    route->set(0xfee01000, 0x31);
    world.refused = "set routing";
    EXPECT_THROW(route->set(0xfee02000, 0x32), Error);
    world.refused.clear();
    const auto other = interrupts.make_msi_route();
    other->set(0xfee03000, 0x33);
    EXPECT_EQ(routes_of(platform::kFirstMsiGsi)[0].u.msi.data, 0x31u);
    route->trigger();
    EXPECT_EQ(world.messages.back(), (std::pair<uint64_t, uint32_t>{0xfee01000, 0x31}));
}

TEST_F(InterruptControllerTest, ALineNeverThrows) {
    world.refused = "set irq line";
    EXPECT_NO_THROW(interrupts.set_line(4, true));
    world.refused.clear();
    interrupts.set_line(4, true);
    EXPECT_TRUE(world.lines.at(4));
}

TEST_F(InterruptControllerTest, StateIsSavedRestoredAndReset) {
    IrqchipState state = interrupts.save();
    const IrqchipState fresh = state;
    state.chips[2].chip.dummy[5] = 42;
    state.pit.flags = 9;
    interrupts.restore(state);
    EXPECT_EQ(interrupts.save().chips[2].chip.dummy[5], 42);
    EXPECT_EQ(interrupts.save().pit.flags, 9u);
    interrupts.reset();
    EXPECT_EQ(interrupts.save().chips[2].chip.dummy[5], fresh.chips[2].chip.dummy[5]);
    EXPECT_EQ(interrupts.save().pit.flags, 0u);
}

TEST_F(InterruptControllerTest, RefusesChipsInAWrongPlace) {
    IrqchipState state = interrupts.save();
    EXPECT_NO_THROW(state.validate());
    std::swap(state.chips[0], state.chips[1]);
    EXPECT_THROW(state.validate(), Error);
}

}  // namespace
}  // namespace cpr::vmm
