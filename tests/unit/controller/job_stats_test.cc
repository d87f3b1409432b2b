// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/job_stats.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "unit/controller/update_fixture.h"

namespace cpr::controller {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

JobRecord ended(JobStatus status, PauseMarks pause = {}) {
    JobRecord record;
    record.status = status;
    record.old_binary = {"/old", "1.0"};
    record.new_binary = {"/new", "2.0"};
    record.pause = pause;
    return record;
}

uint64_t up_to(const json& histogram, int64_t milliseconds) {
    for (const json& bucket : histogram["buckets"])
        if (bucket["le-ns"] == milliseconds * kMillisecond)
            return bucket["count"];
    ADD_FAILURE() << "no bucket of " << milliseconds << " ms";
    return 0;
}

TEST(JobStats, CountsUpdatesAndChecksByTheirEnd) {
    JobStats stats;
    for (const auto status : {JobStatus::kCompleted, JobStatus::kCompleted, JobStatus::kFailed,
                              JobStatus::kRolledBack, JobStatus::kCancelled})
        stats.add(ended(status));
    JobRecord check = ended(JobStatus::kFailed);
    check.check = true;
    stats.add(check);
    const json told = stats.to_json();
    EXPECT_EQ(told["updates"],
              (json{{"completed", 2}, {"failed", 1}, {"rolled-back", 1}, {"cancelled", 1}}));
    EXPECT_EQ(told["checks"],
              (json{{"completed", 0}, {"failed", 1}, {"rolled-back", 0}, {"cancelled", 0}}));
    EXPECT_EQ(told["pauses"]["total"]["count"], 0);
}

TEST(JobStats, PausesAreSortedIntoCumulativeBuckets) {
    JobStats stats;
    const int64_t begin = 50 * kMillisecond;
    stats.add(
        ended(JobStatus::kCompleted, {begin, begin + 5 * kMillisecond, begin + 15 * kMillisecond,
                                      begin + 215 * kMillisecond, begin + 225 * kMillisecond}));
    // One that went back after the save: exec and load did not come about.
    stats.add(ended(JobStatus::kRolledBack,
                    {begin, begin + 60'000 * kMillisecond, 0, 0, begin + 60'001 * kMillisecond}));
    // One that went back, and whose guest ran before it was known that the exec had failed.
    JobStats odd;
    odd.add(ended(JobStatus::kRolledBack, {begin, begin + 1, begin + 100, 0, begin + 90}));
    EXPECT_EQ(odd.to_json()["pauses"]["resume"]["sum-ns"], 0);
    EXPECT_EQ(odd.to_json()["pauses"]["exec"]["sum-ns"], 89);
    const json pauses = stats.to_json()["pauses"];
    EXPECT_EQ(pauses["total"]["count"], 2);
    EXPECT_EQ(pauses["total"]["sum-ns"], 60'226 * kMillisecond);
    EXPECT_EQ(up_to(pauses["total"], 100), 0u);
    EXPECT_EQ(up_to(pauses["total"], 250), 1u);
    EXPECT_EQ(up_to(pauses["total"], 30'000), 1u);
    EXPECT_EQ(up_to(pauses["save"], 10), 1u);
    EXPECT_EQ(pauses["save"]["count"], 2);
    // A bound belongs to its bucket.
    EXPECT_EQ(up_to(pauses["exec"], 10), 1u);
    EXPECT_EQ(pauses["exec"]["count"], 1);
    EXPECT_EQ(pauses["load"]["count"], 1);
    EXPECT_EQ(up_to(pauses["resume"], 10), 2u);
}

TEST(JobStats, KnowsTheVersionThatAJobHasFound) {
    JobStats stats;
    EXPECT_EQ(stats.running_version(), "");
    stats.add(ended(JobStatus::kRolledBack));
    EXPECT_EQ(stats.running_version(), "1.0");
    JobRecord check = ended(JobStatus::kCompleted);
    check.check = true;
    stats.add(check);
    EXPECT_EQ(stats.running_version(), "1.0");
    stats.add(ended(JobStatus::kCompleted));
    EXPECT_EQ(stats.running_version(), "2.0");
}

class StatsOfADomain : public UpdateTest {
  protected:
    json stats() { return ask("query-update-in-place-stats")["return"]; }
};

TEST_F(StatsOfADomain, AreCountedOverItsJobs) {
    EXPECT_EQ(stats()["updates"]["completed"], 0);
    start();
    result();
    EXPECT_EQ(stats()["running"],
              (json{{"binary", folder_.path("new")}, {"version", "0.1.0+next"}}));
    start({{"check", true}, {"binary", folder_.path("missing")}});
    result();
    const json told = stats();
    EXPECT_EQ(told["updates"]["completed"], 1);
    EXPECT_EQ(told["checks"]["failed"], 1);
    EXPECT_EQ(told["pauses"]["total"]["count"], 1);
    EXPECT_EQ(told["pauses"]["total"]["sum-ns"], running_ - stopped_);
    EXPECT_EQ(told["generation"], 1);
    EXPECT_TRUE(ask("query-update-in-place-stats", {{"more", 1}}).contains("error"));
}

TEST_F(StatsOfADomain, OutdatedIsWhatRunsFromAnotherFile) {
    EXPECT_EQ(stats()["outdated"], true);
    EXPECT_EQ(stats()["configured"]["binary"], folder_.path("new"));
    start();
    result();
    EXPECT_EQ(stats()["outdated"], false);
    // Another name of the same file.
    std::filesystem::create_symlink(folder_.path("new"), folder_.path("link"));
    configured_ = folder_.path("link");
    EXPECT_EQ(stats()["outdated"], false);
    // What the upgrade of a package does.
    std::filesystem::copy_file(folder_.path("new"), folder_.path("new.tmp"));
    std::filesystem::rename(folder_.path("new.tmp"), folder_.path("new"));
    EXPECT_EQ(stats()["outdated"], true);
}

TEST_F(StatsOfADomain, SayWhyItIsNotKnownWhetherItIsOutdated) {
    configured_ = folder_.path("missing");
    const json told = stats();
    EXPECT_FALSE(told.contains("outdated"));
    EXPECT_NE(told["error"]["desc"].get<std::string>().find("missing"), std::string::npos) << told;
    EXPECT_EQ(told["updates"]["completed"], 0);
}

}  // namespace
}  // namespace cpr::controller
