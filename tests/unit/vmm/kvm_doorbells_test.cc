// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/kvm_doorbells.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "fakes/fake_kvm.h"

namespace cpr::vmm {
namespace {

constexpr DoorbellWrite kWrite{.port = 0x505, .size = 1, .value = 1};

struct KvmDoorbellsTest : testing::Test {
    void turn() {
        for (int i = 0; i < 5; ++i)
            loop.iterate(false);
    }

    EventLoop loop;
    fakes::FakeKvmWorld world;
    fakes::FakeKvmVm vm{world};
    KvmDoorbells doorbells{vm, loop};
    int rings = 0;
    std::unique_ptr<Doorbell> bell = doorbells.make(kWrite, [this] { ++rings; });
};

TEST_F(KvmDoorbellsTest, SeveralRingsAreToldOnce) {
    doorbells.listen(true);
    EXPECT_EQ(world.signal_ioeventfds(0x505, 1), 1);
    world.signal_ioeventfds(0x505, 1);
    turn();
    EXPECT_EQ(rings, 1);
    EXPECT_FALSE(bell->rung());
    world.signal_ioeventfds(0x505, 1);
    turn();
    EXPECT_EQ(rings, 2);
}

TEST_F(KvmDoorbellsTest, ARingWaitsUntilSomebodyListens) {
    world.signal_ioeventfds(0x505, 1);
    turn();
    EXPECT_EQ(rings, 0);
    EXPECT_TRUE(bell->rung());
    doorbells.listen(true);
    turn();
    EXPECT_EQ(rings, 1);
    doorbells.listen(false);
    world.signal_ioeventfds(0x505, 1);
    turn();
    EXPECT_EQ(rings, 1);
    doorbells.deliver();
    EXPECT_EQ(rings, 2);
}

TEST_F(KvmDoorbellsTest, OneThatIsMadeLaterIsListenedToAsWell) {
    doorbells.listen(true);
    int others = 0;
    const auto other = doorbells.make({0x506, 1, 1}, [&others] { ++others; });
    world.signal_ioeventfds(0x506, 1);
    turn();
    EXPECT_EQ(others, 1);
    EXPECT_EQ(rings, 0);
}

TEST_F(KvmDoorbellsTest, WhatIsClearedIsNotTold) {
    bell->ring();
    EXPECT_TRUE(bell->rung());
    bell->clear();
    EXPECT_FALSE(bell->rung());
    doorbells.listen(true);
    turn();
    doorbells.deliver();
    EXPECT_EQ(rings, 0);
}

TEST_F(KvmDoorbellsTest, KvmForgetsADoorbellThatGoes) {
    ASSERT_EQ(world.ioeventfds.size(), 1u);
    EXPECT_EQ(world.ioeventfds[0].first.value, 1u);
    bell.reset();
    EXPECT_TRUE(world.ioeventfds.empty());
    doorbells.listen(true);
    doorbells.deliver();
}

TEST_F(KvmDoorbellsTest, ARefusalOfKvmIsAnError) {
    world.refused = "assign ioeventfd";
    EXPECT_THROW(doorbells.make({0x506, 1, 1}, [] {}), Error);
    EXPECT_EQ(world.ioeventfds.size(), 1u);
}

}  // namespace
}  // namespace cpr::vmm
