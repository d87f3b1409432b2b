// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/job_wait.h"

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

}  // namespace
}  // namespace cpr::client
