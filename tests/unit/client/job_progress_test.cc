// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/job_progress.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cpr::client {
namespace {

using nlohmann::json;

constexpr unsigned int kId = 4;

Job report(const char* status, const char* phase, unsigned int id = kId) {
    return Job(json{{"job-id", id}, {"status", status}, {"phase", phase}});
}

TEST(JobProgress, TellsEachPhaseOnce) {
    JobProgress progress(kId);
    EXPECT_TRUE(progress.is_news(report("running", "validate")));
    EXPECT_FALSE(progress.is_news(report("running", "validate")));
    EXPECT_TRUE(progress.is_news(report("running", "save")));
    EXPECT_FALSE(progress.is_news(report("running", "save")));
}

TEST(JobProgress, PassesOverAnEventThatAQueryOvertook) {
    JobProgress progress(kId);
    EXPECT_TRUE(progress.is_news(report("running", "load")));
    EXPECT_FALSE(progress.is_news(report("running", "prepare")));
    EXPECT_TRUE(progress.is_news(report("running", "resume")));
}

TEST(JobProgress, TellsAFinalStatusInWhateverPhase) {
    JobProgress progress(kId);
    EXPECT_TRUE(progress.is_news(report("running", "load")));
    EXPECT_TRUE(progress.is_news(report("rolled-back", "save")));
}

TEST(JobProgress, TellsACompletionInThePhaseThatRan) {
    JobProgress progress(kId);
    EXPECT_TRUE(progress.is_news(report("running", "finish")));
    EXPECT_TRUE(progress.is_news(report("completed", "finish")));
}

TEST(JobProgress, ReportsThatAnotherJobTookThePlace) {
    JobProgress progress(kId);
    EXPECT_THROW(progress.is_news(report("running", "validate", kId + 1)), CallError);
}

TEST(JobsProgress, KnowsTheLastJobAndTellsTheNext) {
    JobsProgress progress(report("completed", "finish"));
    EXPECT_FALSE(progress.is_news(report("completed", "finish")));
    EXPECT_TRUE(progress.is_news(report("running", "validate", kId + 1)));
    EXPECT_TRUE(progress.is_news(report("failed", "validate", kId + 1)));
}

TEST(JobsProgress, PassesOverALateEventOfAnEarlierJob) {
    JobsProgress progress(report("running", "validate"));
    EXPECT_FALSE(progress.is_news(report("completed", "finish", kId - 1)));
    EXPECT_FALSE(progress.is_news_in_answer(report("running", "validate")));
}

TEST(JobsProgress, FollowsADomainThatWasStartedAnew) {
    JobsProgress progress(report("completed", "finish"));
    EXPECT_FALSE(progress.is_news_in_answer(report("none", "", 0)));
    EXPECT_TRUE(progress.is_news(report("running", "validate", 1)));
}

TEST(JobOfEvent, IsNothingIfItIsNotUnderstood) {
    EXPECT_TRUE(job_of_event(R"({"job-id": 1, "status": "running", "phase": "save"})"));
    for (const char* text : {"", "[]", "{}", R"({"job-id": 1, "status": "walking"})"}) {
        EXPECT_FALSE(job_of_event(text)) << text;
    }
}

}  // namespace
}  // namespace cpr::client
