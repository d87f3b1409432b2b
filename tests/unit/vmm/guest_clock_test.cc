// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/guest_clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <deque>
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

// A clock that runs with the host's. Its next readings and settings are interrupted for so long.
struct RunningClockTest : GuestClockTest {
    RunningClockTest() {
        world.read_clock = [this] {
            const uint64_t reading = host_ns() + ahead_ns;
            interrupt(reads);
            return reading;
        };
        world.set_clock = [this](uint64_t guest_ns) {
            interrupt(sets);
            ahead_ns = guest_ns - host_ns();
        };
    }
    static uint64_t host_ns() {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC_RAW, &now);
        return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
    }
    static void interrupt(std::deque<std::chrono::milliseconds>& times) {
        if (times.empty())
            return;
        std::this_thread::sleep_for(times.front());
        times.pop_front();
    }

    uint64_t ahead_ns = uint64_t{1} << 40;
    std::deque<std::chrono::milliseconds> reads;
    std::deque<std::chrono::milliseconds> sets;
};

constexpr uint64_t kNear = 10'000'000;

TEST_F(RunningClockTest, AnInterruptedReadingIsRepeated) {
    reads = {50ms, 50ms};
    const GuestClockState saved = clock.save();
    EXPECT_NEAR(saved.guest_ns - saved.host_ns, ahead_ns, kNear);
    EXPECT_TRUE(reads.empty());
}

TEST_F(RunningClockTest, OfInterruptedReadingsTheBestCounts) {
    reads = {50ms, 50ms, 2ms, 50ms, 50ms, 50ms, 50ms, 50ms, 50ms, 50ms};
    const GuestClockState saved = clock.save();
    EXPECT_NEAR(saved.guest_ns - saved.host_ns, ahead_ns, kNear);
    EXPECT_FALSE(reads.empty());
}

TEST_F(RunningClockTest, AClockThatIsSetLateIsSetAgain) {
    const GuestClockState saved = clock.save();
    const uint64_t before_ns = ahead_ns;
    sets = {50ms, 50ms};
    reads = {50ms, 50ms};
    clock.restore(saved);
    EXPECT_NEAR(ahead_ns, before_ns, kNear);
}

}  // namespace
}  // namespace cpr::vmm
