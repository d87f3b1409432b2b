// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/job_log.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cpr::controller {
namespace {

using Values = std::vector<std::string>;

class JobLogTest : public ::testing::Test {
  protected:
    Values texts() const {
        Values texts;
        for (const SystemLogEntry& line : lines_)
            texts.push_back(line.text);
        return texts;
    }
    Values values(size_t line, const std::string& name) const {
        Values found;
        for (const auto& [field, value] : lines_.at(line).fields)
            if (field == name)
                found.push_back(value);
        return found;
    }
    // The controller tells of each change.
    void begin_phase(const std::string& name, int64_t now) {
        end_phase(now);
        record_.phase = name;
        record_.phases.push_back({name, now, 0});
        log_.follow(record_);
    }
    void end_phase(int64_t now) {
        if (!record_.phases.empty())
            record_.phases.back().end_ns = now;
    }
    void end(JobStatus status, int64_t now, std::optional<Error> error = {}) {
        end_phase(now);
        record_.status = status;
        record_.error = std::move(error);
        log_.follow(record_);
    }

    std::vector<SystemLogEntry> lines_;
    JobLog log_{"g1", [this](SystemLogEntry entry) { lines_.push_back(std::move(entry)); }};
    JobRecord record_ = [] {
        JobRecord record;
        record.id = 7;
        record.status = JobStatus::kRunning;
        record.old_binary = {"/old", "1.0"};
        record.new_binary = {"/new", "2.0"};
        return record;
    }();
};

TEST_F(JobLogTest, ALineForEachPhaseAndOneForTheEnd) {
    begin_phase("validate", 1'000'000);
    begin_phase("save", 3'500'000);
    record_.pause = {3'500'000, 4'000'000, 0, 0, 13'500'000};
    end(JobStatus::kCompleted, 14'000'000);
    EXPECT_EQ(texts(), (Values{"update 7 of domain 'g1' has begun",
                               "update 7 of domain 'g1': phase validate took 2.5 ms",
                               "update 7 of domain 'g1': phase save took 10.5 ms",
                               "update 7 of domain 'g1' completed, from '/old' (version 1.0) to "
                               "'/new' (version 2.0), paused for 10.0 ms"}));
    for (size_t i = 0; i < lines_.size(); ++i) {
        EXPECT_EQ(values(i, "LIBVIRT_CPR_DOMAIN"), Values{"g1"});
        EXPECT_EQ(values(i, "LIBVIRT_CPR_JOB_ID"), Values{"7"});
        EXPECT_EQ(values(i, "LIBVIRT_CPR_CHECK"), Values{"false"});
        EXPECT_EQ(values(i, "LIBVIRT_CPR_STATUS"), Values{i == 3 ? "completed" : "running"});
        EXPECT_EQ(lines_[i].priority, 6);
    }
    EXPECT_EQ(values(0, "LIBVIRT_CPR_NEW_BINARY"), Values{"/new"});
    EXPECT_EQ(values(2, "LIBVIRT_CPR_PHASE"), Values{"save"});
    EXPECT_EQ(values(2, "LIBVIRT_CPR_BEGIN_NS"), Values{"3500000"});
    EXPECT_EQ(values(2, "LIBVIRT_CPR_END_NS"), Values{"14000000"});
    EXPECT_EQ(values(2, "LIBVIRT_CPR_DURATION_NS"), Values{"10500000"});
    EXPECT_EQ(values(3, "LIBVIRT_CPR_PAUSE_TOTAL_NS"), Values{"10000000"});
    EXPECT_EQ(values(3, "LIBVIRT_CPR_NEW_VERSION"), Values{"2.0"});
    EXPECT_NE(values(2, "MESSAGE_ID"), values(3, "MESSAGE_ID"));
    EXPECT_EQ(values(1, "MESSAGE_ID"), values(2, "MESSAGE_ID"));
}

TEST_F(JobLogTest, ARefusalNamesItsBlockers) {
    record_.blockers = {{{"id", "one"}, {"reason", "r"}, {"remedy", ""}}, {{"id", "two"}}};
    begin_phase("validate", 1'000'000);
    end(JobStatus::kFailed, 2'000'000, Error(ErrorCode::kBlocked, "no {}", "way"));
    EXPECT_EQ(texts(), (Values{"update 7 of domain 'g1' has begun",
                               "update 7 of domain 'g1': phase validate failed after 1.0 ms",
                               "update 7 of domain 'g1' ended in phase validate as failed: "
                               "no way"}));
    EXPECT_EQ(values(2, "LIBVIRT_CPR_BLOCKER"), (Values{"one", "two"}));
    EXPECT_EQ(values(2, "LIBVIRT_CPR_ERROR_CODE"), Values{"blocked"});
    EXPECT_EQ(values(2, "LIBVIRT_CPR_ERROR_DESC"), Values{"no way"});
    EXPECT_EQ(lines_[2].priority, 4);
    for (const auto& [name, value] : lines_[2].fields)
        EXPECT_EQ(name.find("PARTS"), std::string::npos) << name;
}

TEST_F(JobLogTest, AGuestThatIsLeftStoppedIsAnError) {
    begin_phase("save", 1'000'000);
    end(JobStatus::kFailed, 2'000'000, Error(ErrorCode::kSystem, "both failed"));
    EXPECT_EQ(lines_.back().priority, 3);
}

TEST_F(JobLogTest, TheNextJobBeginsAnew) {
    begin_phase("validate", 1'000'000);
    end(JobStatus::kCompleted, 2'000'000);
    lines_.clear();
    record_.id = 8;
    record_.check = true;
    record_.phases.clear();
    record_.status = JobStatus::kRunning;
    begin_phase("validate", 5'000'000);
    end(JobStatus::kCompleted, 6'000'000);
    EXPECT_EQ(texts().at(1), "update check 8 of domain 'g1': phase validate took 1.0 ms");
    EXPECT_EQ(lines_.size(), 3u);
    EXPECT_EQ(values(0, "LIBVIRT_CPR_CHECK"), Values{"true"});
}

TEST_F(JobLogTest, FieldNamesAreOnesThatJournaldTakes) {
    record_.rehearsal = RehearsalRecord{1, 2, "", 3};
    record_.vmm_pid = 5;
    record_.pause = {1, 2, 3, 4, 5};
    begin_phase("validate", 1'000'000);
    end(JobStatus::kRolledBack, 2'000'000, Error(ErrorCode::kSystem, "it\nfailed"));
    for (const SystemLogEntry& line : lines_)
        for (const auto& [name, value] : line.fields) {
            EXPECT_TRUE(std::ranges::all_of(name, [](char c) {
                return c == '_' || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            })) << name;
            EXPECT_NE(name[0], '_');
            EXPECT_LE(name.size(), 64u);
        }
    EXPECT_EQ(values(2, "LIBVIRT_CPR_REHEARSAL_RUN_NS"), Values{"3"});
}

}  // namespace
}  // namespace cpr::controller
