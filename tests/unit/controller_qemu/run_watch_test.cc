// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/run_watch.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/monotonic.h"
#include "base/utc_time.h"

namespace cpr::controller::qemu {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

json migration(const char* status) {
    return {{"event", "MIGRATION"}, {"data", {{"status", status}}}};
}

// A QMP event of that moment of CLOCK_REALTIME.
json event_of(const char* name, int64_t realtime) {
    return {{"event", name},
            {"timestamp",
             {{"seconds", realtime / 1'000'000'000},
              {"microseconds", realtime % 1'000'000'000 / 1000}}}};
}

bool is_done(const RunWatch::Seen& seen) {
    return is_over(seen.migration);
}

TEST(RunWatch, SeesEventsInTheirMoments) {
    RunWatch watch;
    EXPECT_EQ(watch.seen().stopped_ns, 0);
    const int64_t before = monotonic_ns();
    watch.on_event({{"event", "STOP"}});
    watch.on_event(migration("active"));
    watch.on_event({{"event", "RESUME"}});
    const auto seen = watch.seen();
    EXPECT_GE(seen.stopped_ns, before);
    EXPECT_GE(seen.resumed_ns, seen.stopped_ns);
    EXPECT_EQ(seen.migration, "active");
}

TEST(RunWatch, AMomentIsWhenQemuSentItsEvent) {
    RunWatch watch;
    const int64_t begun = monotonic_ns();
    std::this_thread::sleep_for(200ms);
    const json stop = event_of("STOP", realtime_ns());
    const int64_t sent = monotonic_ns();
    std::this_thread::sleep_for(20ms);
    watch.on_event(stop);
    EXPECT_GT(watch.seen().stopped_ns, begun);
    EXPECT_LT(watch.seen().stopped_ns, sent + 10'000'000);
}

TEST(RunWatch, NoMomentIsOutOfItsTime) {
    RunWatch watch;
    const int64_t begun = monotonic_ns();
    std::this_thread::sleep_for(10ms);
    watch.on_event(event_of("STOP", 1'000'000'000));
    watch.on_event(event_of("RESUME", realtime_ns() + 3'600'000'000'000));
    const auto seen = watch.seen();
    EXPECT_LE(seen.stopped_ns, begun);
    EXPECT_GT(seen.stopped_ns, begun - 10'000'000'000);
    EXPECT_GT(seen.resumed_ns, begun);
    EXPECT_LE(seen.resumed_ns, monotonic_ns());
}

TEST(RunWatch, TakesAMomentThatIsNoneForNow) {
    for (const json& stamp :
         {json("now"), json::object(), json{{"seconds", -1}, {"microseconds", 0}},
          json{{"seconds", 1.5}, {"microseconds", 0}}, json{{"seconds", 1}, {"microseconds", "0"}},
          json{{"seconds", 1e300}, {"microseconds", 0}}}) {
        RunWatch watch;
        const int64_t before = monotonic_ns();
        watch.on_event({{"event", "STOP"}, {"timestamp", stamp}});
        EXPECT_GE(watch.seen().stopped_ns, before) << stamp;
    }
}

TEST(RunWatch, OtherEventsAreNothing) {
    RunWatch watch;
    for (const json& event :
         {json{{"event", "RTC_CHANGE"}}, json::object(), json{{"event", "MIGRATION"}},
          json{{"event", 5}}, json{{"event", "MIGRATION"}, {"data", {{"status", 5}}}}})
        watch.on_event(event);
    EXPECT_EQ(watch.seen().migration, "");
    EXPECT_EQ(watch.seen().stopped_ns, 0);
}

TEST(RunWatch, WaitsForAnotherThread) {
    RunWatch watch;
    std::thread loop([&] {
        std::this_thread::sleep_for(20ms);
        watch.on_event(migration("setup"));
        watch.on_event(migration("completed"));
    });
    const int64_t begun = monotonic_ns();
    EXPECT_EQ(watch.wait("the end", is_done, 60s).migration, "completed");
    EXPECT_LT(monotonic_ns() - begun, 30'000'000'000);
    loop.join();
}

TEST(RunWatch, TellsOfEachEventOnceItIsSeen) {
    RunWatch watch;
    std::vector<std::string> told;
    watch.then([&] { told.push_back(watch.seen().migration); });
    watch.on_event(migration("active"));
    watch.on_event(migration("completed"));
    EXPECT_EQ(told, (std::vector<std::string>{"active", "completed"}));
    watch.then({});
    watch.on_event(migration("failed"));
    EXPECT_EQ(told.size(), 2u);
}

TEST(RunWatch, AMigrationHasItsMoment) {
    RunWatch watch;
    const int64_t before = monotonic_ns();
    watch.on_event(migration("completed"));
    EXPECT_GE(watch.seen().migration_ns, before);
    EXPECT_LE(watch.seen().migration_ns, monotonic_ns());
}

TEST(RunWatch, GivesUp) {
    RunWatch watch;
    try {
        watch.wait("the end", is_done, 20ms);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kTimeout);
        EXPECT_EQ(error.message(), "QEMU has not come to the end within 20 ms");
    }
}

TEST(RunWatch, WhatHasEndedIsNotWaitedFor) {
    RunWatch watch;
    watch.on_event(migration("completed"));
    watch.on_closed();
    EXPECT_NO_THROW(watch.wait("the end", is_done, 10s));
    const auto never = [](const RunWatch::Seen&) { return false; };
    try {
        watch.wait("its start", never, 10s);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kVmmGone);
    }
}

TEST(RunWatch, SomebodyMayLookMeanwhile) {
    RunWatch watch;
    int looks = 0;
    const auto look = [&] {
        if (++looks == 3)
            throw Error(ErrorCode::kCancelled, "no more");
    };
    EXPECT_THROW(watch.wait("the end", is_done, 10s, look), Error);
    EXPECT_EQ(looks, 3);
}

TEST(RunWatch, LooksAsOftenAsIsWantedAndNoOftener) {
    const auto looks_within = [](std::chrono::milliseconds time, std::chrono::milliseconds every) {
        RunWatch watch;
        int looks = 0;
        EXPECT_THROW(watch.wait(
                         "the end", is_done, time, [&] { ++looks; }, every),
                     Error);
        return looks;
    };
    EXPECT_LE(looks_within(200ms, 50ms), 4);
    EXPECT_GT(looks_within(200ms, 1ms), 4);
}

TEST(RunWatch, KnowsWhichMigrationsAreOver) {
    for (const char* status : {"completed", "failed", "cancelled"})
        EXPECT_TRUE(is_over(status));
    for (const char* status : {"", "none", "setup", "active", "device", "cancelling", "failing"})
        EXPECT_FALSE(is_over(status));
}

}  // namespace
}  // namespace cpr::controller::qemu
