// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/thread_placement.h"

#include <gtest/gtest.h>
#include <sched.h>

#include "client/call_error.h"

namespace cpr::client {
namespace {

std::string with(const std::string& tuning) {
    return "<domain type='kvm'><name>g</name><cputune>" + tuning + "</cputune></domain>";
}

TEST(Scheduling, IsReadForEachThreadOfAList) {
    const auto found = scheduling_in(with(
        "<vcpupin vcpu='0' cpuset='1'/><vcpusched vcpus='0-1,4' scheduler='fifo' priority='3'/>"
        "<iothreadsched iothreads='2' scheduler='batch'/>"));
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[0].thread, "vcpu0");
    EXPECT_EQ(found[1].thread, "vcpu1");
    EXPECT_EQ(found[2].thread, "vcpu4");
    EXPECT_EQ(found[2].policy, SCHED_FIFO);
    EXPECT_EQ(found[2].priority, 3);
    EXPECT_EQ(found[3].thread, "iothread2");
    EXPECT_EQ(found[3].policy, SCHED_BATCH);
    EXPECT_EQ(found[3].priority, 0);
}

TEST(Scheduling, ADomainWithoutHasNone) {
    EXPECT_TRUE(scheduling_in("<domain type='kvm'/>").empty());
    EXPECT_TRUE(scheduling_in(with("<quota>1000</quota>")).empty());
}

TEST(Scheduling, WhatIsNotUnderstoodIsRefused) {
    for (const char* tuning :
         {"<vcpusched scheduler='fifo'/>", "<vcpusched vcpus='0-x' scheduler='fifo'/>",
          "<vcpusched vcpus='0-4294967295' scheduler='fifo'/>", "<vcpusched vcpus='0'/>",
          "<vcpusched vcpus='0' scheduler='deadline'/>",
          "<vcpusched vcpus='0' scheduler='rr' priority='-1'/>"})
        EXPECT_THROW(scheduling_in(with(tuning)), CallError) << tuning;
}

}  // namespace
}  // namespace cpr::client
