// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/fleet_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cpr::tools {
namespace {

using nlohmann::json;
using Lines = std::vector<std::string>;

FleetEntry updated(const char* name) {
    DomainOutcome outcome{.result = Result::kDone};
    outcome.job.old_version = "1";
    outcome.job.new_version = "2";
    outcome.job.pause_milliseconds = 12.34;
    return {name, outcome};
}

FleetEntry failed(const char* name, Result result) {
    return {name, DomainOutcome{.result = result, .errors = {"it failed", "why", "and so on"}}};
}

TEST(FleetTable, HasARowForEachDomainAndTheSums) {
    EXPECT_EQ(fleet_table({updated("g1"),
                           failed("longer", Result::kRefused),
                           failed("g3", Result::kRolledBack),
                           {"g4", std::nullopt},
                           {"old", failed("", Result::kUnsupported).outcome, true}},
                          false),
              (Lines{" Domain   Result        Pause     Details", std::string(66, '-'),
                     " g1       updated       12.3 ms   1 -> 2",
                     " longer   refused       -         why; and so on",
                     " g3       rolled back   -         why; and so on",
                     " g4       skipped       -         not begun",
                     " old      skipped       -         not started by virt-cpr-emulator", "",
                     "1 succeeded, 2 failed, 2 skipped"}));
}

TEST(FleetTable, OfAChecksSaysWhatCanBeDone) {
    const Lines lines = fleet_table({updated("g1")}, true);
    EXPECT_EQ(lines[2], " g1       can be updated   12.3 ms   1 -> 2");
}

TEST(FleetEntry, WithoutAControllerHasFailedIfItWasNamed) {
    EXPECT_TRUE(failed("g1", Result::kUnsupported).is_failure());
    EXPECT_TRUE(failed("g1", Result::kCancelled).is_failure());
    EXPECT_FALSE(updated("g1").is_failure());
    EXPECT_FALSE((FleetEntry{"g1", std::nullopt}).is_failure());
}

TEST(FleetJson, HasTheDomainsName) {
    FleetEntry entry = updated("g1");
    entry.outcome->json = R"({"job-id": 1})";
    EXPECT_EQ(json::parse(fleet_json(entry)), (json{{"job-id", 1}, {"domain", "g1"}}));
    // By id or UUID it was asked for.
    entry = {"3", entry.outcome};
    entry.outcome->json = R"({"job-id": 1, "domain": "g1"})";
    EXPECT_EQ(json::parse(fleet_json(entry))["domain"], "g1");
    entry = failed("g2", Result::kFailed);
    EXPECT_EQ(json::parse(fleet_json(entry)),
              (json{{"error", {{"desc", "why; and so on"}}}, {"domain", "g2"}}));
    entry.outcome->error_code = "not-allowed";
    EXPECT_EQ(json::parse(fleet_json(entry))["error"]["code"], "not-allowed");
}

}  // namespace
}  // namespace cpr::tools
