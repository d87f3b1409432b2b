// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/guest_clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "fakes/fake_kvm.h"

namespace cpr::vmm {
namespace {

using namespace std::chrono_literals;

struct GuestClockTest : testing::Test {
    fakes::FakeKvmWorld world;
    fakes::FakeKvmVm vm{world};
    GuestClock clock{vm};
};

TEST_F(GuestClockTest, StandsWhileTheGuestIsPaused) {
    world.clock_ns = 1000;
    clock.stop();
    world.clock_ns = 5000;
    clock.resume();
    EXPECT_EQ(world.clock_ns, 1000u);
}

TEST_F(GuestClockTest, ResumeWithoutStopChangesNothing) {
    world.clock_ns = 5000;
    clock.resume();
    EXPECT_EQ(world.clock_ns, 5000u);
    EXPECT_TRUE(world.calls.empty());
}

TEST_F(GuestClockTest, GoesOnOverAnUpdate) {
    world.clock_ns = 1'000'000;
    const GuestClockState saved = clock.save();
    std::this_thread::sleep_for(20ms);
    fakes::FakeKvmWorld other_world;
    fakes::FakeKvmVm other_vm(other_world);
    GuestClock other(other_vm);
    other.restore(saved);
    EXPECT_GE(other_world.clock_ns, 1'000'000u + 20'000'000u);
    EXPECT_LT(other_world.clock_ns, 1'000'000u + 20'000'000'000u);
}

TEST_F(GuestClockTest, APausedGuestsClockStandsOverAnUpdate) {
    world.clock_ns = 1'000'000;
    clock.stop();
    const GuestClockState saved = clock.save();
    std::this_thread::sleep_for(5ms);
    fakes::FakeKvmWorld other_world;
    fakes::FakeKvmVm other_vm(other_world);
    GuestClock other(other_vm);
    other.restore(saved);
    EXPECT_EQ(other_world.clock_ns, 1'000'000u);
    other_world.clock_ns = 3'000'000;
    other.resume();
    EXPECT_EQ(other_world.clock_ns, 1'000'000u);
}

TEST_F(GuestClockTest, NeverGoesBackwards) {
    GuestClockState saved;
    saved.guest_ns = 7000;
    saved.host_ns = ~uint64_t{0};
    clock.restore(saved);
    EXPECT_EQ(world.clock_ns, 7000u);
}

}  // namespace
}  // namespace cpr::vmm
