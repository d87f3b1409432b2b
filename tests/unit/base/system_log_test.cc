// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/system_log.h"

#include <gtest/gtest.h>

#include <future>

namespace cpr {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongEnough(10'000);

TEST(SystemLog, WritesInOrder) {
    std::vector<std::string> written;
    SystemLog log([&](const SystemLogEntry& entry) { written.push_back(entry.text); });
    for (const char* text : {"one", "two", "three"})
        EXPECT_TRUE(log.write({6, text}));
    ASSERT_TRUE(log.flush(kLongEnough));
    EXPECT_EQ(written, (std::vector<std::string>{"one", "two", "three"}));
}

TEST(SystemLog, ADaemonThatHangsKeepsNobody) {
    std::promise<void> gate;
    std::shared_future<void> opened(gate.get_future());
    std::atomic<size_t> written = 0;
    SystemLog log([&](const SystemLogEntry&) {
        opened.wait();
        ++written;
    });
    // The first may be with the writer already.
    size_t taken = 0;
    while (taken < 2 * SystemLog::kCapacity && log.write({6, "line"}))
        ++taken;
    EXPECT_GE(taken, SystemLog::kCapacity);
    EXPECT_LE(taken, SystemLog::kCapacity + 1);
    EXPECT_FALSE(log.flush(milliseconds(10)));
    gate.set_value();
    EXPECT_TRUE(log.flush(kLongEnough));
    EXPECT_EQ(written, taken);
    EXPECT_TRUE(log.write({6, "again"}));
}

TEST(SystemLog, NobodyListens) {
    write_to_system_log({6, "a line of the tests of libvirt-cpr", {{"LIBVIRT_CPR_DOMAIN", "g1"}}});
}

}  // namespace
}  // namespace cpr
