// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fakes/catalogue.h"

namespace cpr::client {
namespace {

using nlohmann::json;

const char* const kCompleted = R"({
    "job-id": 3, "status": "completed", "check": false, "phase": "finish",
    "domain-pid": 1234, "generation": 2,
    "old": {"binary": "/a", "version": "0.1.0"}, "new": {"binary": "/b", "version": "0.1.0+next"},
    "phases": [{"name": "validate", "begin-ns": 1, "end-ns": 2}, {"name": "prepare", "begin-ns": 2}],
    "pause": {"total-ns": 12300000}, "state-bytes": 12345})";

Job job_of(const char* text) {
    return Job(json::parse(text));
}

class JobParams : public testing::Test {
  protected:
    explicit JobParams(const char* text = kCompleted) : params_(job_of(text).params()) {}

    virTypedParameterPtr param(const char* name) {
        return virTypedParamsGet(params_.data(), params_.size(), name);
    }

    TypedParams params_;
};

TEST(Job, ReadsWhereTheJobStands) {
    Job job = job_of(R"({"job-id": 7, "status": "running", "phase": "load"})");
    EXPECT_EQ(job.id(), 7);
    EXPECT_EQ(job.status(), VIR_DOMAIN_CPR_JOB_RUNNING);
    EXPECT_EQ(job.phase(), "load");
    EXPECT_FALSE(job.is_final());
    EXPECT_FALSE(job.is_complete());
    EXPECT_FALSE(job.error());
}

TEST(Job, KnowsEveryStatusOfTheProtocol) {
    const std::pair<const char*, virDomainCprJobStatus> kStatuses[] = {
        {"none", VIR_DOMAIN_CPR_JOB_NONE},
        {"running", VIR_DOMAIN_CPR_JOB_RUNNING},
        {"completed", VIR_DOMAIN_CPR_JOB_COMPLETED},
        {"failed", VIR_DOMAIN_CPR_JOB_FAILED},
        {"rolled-back", VIR_DOMAIN_CPR_JOB_ROLLED_BACK},
        {"cancelled", VIR_DOMAIN_CPR_JOB_CANCELLED},
    };
    for (auto [name, status] : kStatuses) {
        EXPECT_EQ(Job(json{{"job-id", 1u}, {"status", name}}).status(), status) << name;
    }
}

TEST(Job, RefusesWhatIsNoReport) {
    for (const char* text :
         {"[]", "null", "{}", R"({"job-id": 1})", R"({"status": "running"})",
          R"({"job-id": "1", "status": "running"})", R"({"job-id": -1, "status": "running"})",
          R"({"job-id": 1, "status": "walking"})", R"({"job-id": 1, "status": 5})"}) {
        EXPECT_THROW(job_of(text), CallError) << text;
    }
}

TEST(Job, HasTheErrorOfAFailedJob) {
    auto error = job_of(R"({"job-id": 1, "status": "failed",
                            "error": {"code": "blocked", "desc": "1 blocker"}})")
                     .error();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), "blocked");
    EXPECT_EQ(error->message(), "1 blocker");
}

TEST(Job, HasAnErrorForEveryJobThatDidNotComplete) {
    for (const char* status : {"none", "failed", "rolled-back", "cancelled"}) {
        auto error = Job(json{{"job-id", 0u}, {"status", status}}).error();
        ASSERT_TRUE(error) << status;
        EXPECT_FALSE(error->message().empty()) << status;
        EXPECT_FALSE(error->code().empty()) << status;
    }
    EXPECT_EQ(job_of(R"({"job-id": 1, "status": "cancelled"})").error()->code(), "cancelled");
}

TEST(Job, OfACompletedOneIsComplete) {
    Job job = job_of(kCompleted);
    EXPECT_TRUE(job.is_final());
    EXPECT_TRUE(job.is_complete());
    EXPECT_FALSE(job.error());
    EXPECT_EQ(json::parse(job.json_text()), json::parse(kCompleted));
}

TEST(Job, HasItsBlockers) {
    Job job = job_of(R"({"job-id": 1, "status": "failed", "blockers": [
        {"id": "a", "reason": "b", "remedy": "c"}, {"id": "d", "reason": 5}, "nonsense"]})");
    const std::vector<Blocker> blockers = job.blockers();
    ASSERT_EQ(blockers.size(), 3u);
    EXPECT_EQ(blockers[0].reason, "b");
    EXPECT_EQ(blockers[0].remedy, "c");
    EXPECT_EQ(blockers[1].id, "d");
    EXPECT_EQ(blockers[1].reason, "");
    EXPECT_EQ(blockers[2].id, "");
    EXPECT_TRUE(job_of(kCompleted).blockers().empty());
    EXPECT_TRUE(job_of(R"({"job-id": 1, "status": "failed", "blockers": 7})").blockers().empty());
}

const char* const kRefused = R"({"job-id": 1, "status": "failed",
    "rehearsal": {"skipped": "version 1 is old",
                  "skipped-parts": {"template": "version {} is old", "arguments": ["1"]}},
    "error": {"code": "blocked", "desc": "no: a is in the way", "desc-parts": {"template": "no: {}",
        "arguments": [{"template": "{} is in the way", "arguments": ["a"]}]}},
    "blockers": [{"id": "x", "reason": "a is in the way", "remedy": "move it",
                  "reason-parts": {"template": "{} is in the way", "arguments": ["a"]}}]})";

const Catalogue::Texts kGerman{{"no: {}", "nein: {}"},
                               {"version {} is old", "Version {} ist alt"},
                               {"{} is in the way", "im Weg ist {}"},
                               {"move it", "bewegen"}};

TEST(JobTexts, AreInTheLanguageOfTheCaller) {
    const Catalogue catalogue(kGerman);
    const Job job = job_of(kRefused);
    EXPECT_EQ(job.error()->message(), "nein: im Weg ist a");
    ASSERT_EQ(job.blockers().size(), 1u);
    EXPECT_EQ(job.blockers()[0].reason, "im Weg ist a");
    EXPECT_EQ(job.blockers()[0].remedy, "bewegen");
}

TEST(JobTexts, AreTheSameInTheParameters) {
    const Catalogue catalogue(kGerman);
    const TypedParams params = job_of(kRefused).params();
    const auto text = [&](const char* name) {
        const char* value = nullptr;
        virTypedParamsGetString(params.data(), params.size(), name, &value);
        return std::string(value ? value : "");
    };
    EXPECT_EQ(text(VIR_DOMAIN_CPR_JOB_FIELD_ERROR_DESC), "nein: im Weg ist a");
    EXPECT_EQ(text(VIR_DOMAIN_CPR_JOB_FIELD_REHEARSAL_SKIPPED), "Version 1 ist alt");
    EXPECT_EQ(text("blockers.0.reason"), "im Weg ist a");
    EXPECT_EQ(text("blockers.0.remedy"), "bewegen");
    for (int i = 0; i < params.size(); ++i)
        EXPECT_EQ(std::string(params.data()[i].field).find("-parts"), std::string::npos);
}

TEST(JobTexts, AreEnglishInTheReportItself) {
    const Catalogue catalogue(kGerman);
    EXPECT_EQ(json::parse(job_of(kRefused).json_text()), json::parse(kRefused));
}

TEST_F(JobParams, NamesMembersOfObjectsByDots) {
    ASSERT_TRUE(param(VIR_DOMAIN_CPR_JOB_FIELD_NEW_VERSION));
    EXPECT_STREQ(param(VIR_DOMAIN_CPR_JOB_FIELD_NEW_VERSION)->value.s, "0.1.0+next");
    ASSERT_TRUE(param(VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_TOTAL));
    EXPECT_EQ(param(VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_TOTAL)->type, VIR_TYPED_PARAM_ULLONG);
    EXPECT_EQ(param(VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_TOTAL)->value.ul, 12300000u);
}

TEST_F(JobParams, NumbersMembersOfLists) {
    ASSERT_TRUE(param("phases.count"));
    EXPECT_EQ(param("phases.count")->value.ui, 2u);
    ASSERT_TRUE(param("phases.1.name"));
    EXPECT_STREQ(param("phases.1.name")->value.s, "prepare");
    EXPECT_FALSE(param("phases.1.end-ns"));
}

TEST_F(JobParams, KeepsTruthValues) {
    ASSERT_TRUE(param(VIR_DOMAIN_CPR_JOB_FIELD_CHECK));
    EXPECT_EQ(param(VIR_DOMAIN_CPR_JOB_FIELD_CHECK)->type, VIR_TYPED_PARAM_BOOLEAN);
    EXPECT_EQ(param(VIR_DOMAIN_CPR_JOB_FIELD_CHECK)->value.b, 0);
}

TEST_F(JobParams, HaveNoneForWhatIsAbsent) {
    EXPECT_FALSE(param(VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_COUNT));
    EXPECT_FALSE(param(VIR_DOMAIN_CPR_JOB_FIELD_ERROR_DESC));
}

TEST_F(JobParams, LeaveOutNamesThatAreTooLongForLibvirt) {
    json data = json::parse(kCompleted);
    data[std::string(VIR_TYPED_PARAM_FIELD_LENGTH, 'x')] = 1u;
    EXPECT_EQ(Job(data).params().size(), params_.size());
}

}  // namespace
}  // namespace cpr::client
