// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/history.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/call_error.h"

namespace cpr::client {
namespace {

using nlohmann::json;

json completed() {
    return {{"job-id", 3U},
            {"status", "completed"},
            {"check", false},
            {"generation", 2U},
            {"ended", "2026-01-31T23:59:59Z"},
            {"new", {{"binary", "/b"}, {"version", "0.2.0"}}},
            {"pause", {{"total-ns", 12300000}}}};
}

HistoryEntry entry(unsigned long long generation) {
    return {generation, "2026-01-31T23:59:59Z", "/b", "0.2.0", 5};
}

TEST(History, ACompletedUpdateIsAnEntry) {
    const auto found = entry_of(Job(completed()));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->generation, 2u);
    EXPECT_EQ(found->time, "2026-01-31T23:59:59Z");
    EXPECT_EQ(found->binary, "/b");
    EXPECT_EQ(found->version, "0.2.0");
    EXPECT_EQ(found->pause_ns, 12300000u);
}

TEST(History, ChecksAndFailuresAreNoEntries) {
    for (const auto& [key, value] : {std::pair<const char*, json>{"check", true},
                                     {"status", "failed"},
                                     {"status", "rolled-back"},
                                     {"status", "none"},
                                     {"status", "running"}}) {
        json data = completed();
        data[key] = value;
        EXPECT_FALSE(entry_of(Job(data))) << key << " " << value;
    }
}

TEST(History, AnOldControllersUpdateHasTheTimeOfItsReport) {
    json data = completed();
    data.erase("ended");
    data.erase("pause");
    const auto found = entry_of(Job(data));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->time.size(), std::string("2026-01-31T23:59:59Z").size());
    EXPECT_FALSE(found->pause_ns);
}

TEST(History, IsWrittenAsItIsRead) {
    const History history{{1, "2026-01-31T23:59:59Z", "/a <b> \"c\" & 'd'", "1", std::nullopt},
                          entry(2)};
    EXPECT_EQ(to_json(parse_history(to_element(history))), to_json(history));
    EXPECT_EQ(to_json(history)["history"][0]["binary"], "/a <b> \"c\" & 'd'");
}

TEST(History, WhatIsNotUnderstoodIsLeftOut) {
    EXPECT_TRUE(parse_history("<history><other generation='1'/><update/>"
                              "<update generation='x'/></history>")
                    .empty());
    const History found = parse_history("<history><update generation='3' pause-ns='-'/></history>");
    ASSERT_EQ(found.size(), 1u);
    EXPECT_FALSE(found[0].pause_ns);
    EXPECT_THROW(parse_history("<history"), CallError);
}

TEST(History, AnUpdateIsAddedOnce) {
    History history = with_entry({}, entry(1));
    HistoryEntry later = entry(1);
    later.time = "2026-02-01T00:00:00Z";
    EXPECT_EQ(with_entry(history, later).size(), 1u);
    // The same generation of the domain's next start.
    later.pause_ns = 6;
    EXPECT_EQ(with_entry(history, later).size(), 2u);
}

TEST(History, TheOldestAreDropped) {
    History history;
    for (unsigned i = 1; i <= kHistoryLength + 3; ++i) {
        history = with_entry(history, entry(i));
    }
    ASSERT_EQ(history.size(), kHistoryLength);
    EXPECT_EQ(history.front().generation, 4u);
    EXPECT_EQ(history.back().generation, kHistoryLength + 3);
}

TEST(History, IsHandedOutAsParameters) {
    const TypedParams params = to_params({entry(1), entry(2)});
    unsigned int count = 0;
    unsigned long long generation = 0;
    EXPECT_EQ(virTypedParamsGetUInt(params.data(), params.size(), "history.count", &count), 1);
    EXPECT_EQ(count, 2u);
    EXPECT_EQ(
        virTypedParamsGetULLong(params.data(), params.size(), "history.1.generation", &generation),
        1);
    EXPECT_EQ(generation, 2u);
}

}  // namespace
}  // namespace cpr::client
