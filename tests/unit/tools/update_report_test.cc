// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/update_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/job.h"

namespace cpr::tools {
namespace {

const UpdateRequest kUpdate{.domain = "g1", .emulator = ""};
const UpdateRequest kCheck{.domain = "g1", .emulator = "", .check = true};

JobSummary summary_of(const char* text) {
    client::Job job(nlohmann::json::parse(text));
    client::TypedParams params = job.params();
    return summarize(job.status(), params.data(), params.size());
}

const char* const kCompleted = R"({"job-id": 1, "status": "completed", "phase": "finish",
    "generation": 1, "old": {"version": "0.1.0"}, "new": {"version": "0.1.0+next"},
    "phases": [{"name": "validate"}, {"name": "save"}],
    "pause": {"total-ns": 12345678, "save-ns": 1000000, "exec-ns": 2000000, "load-ns": 9000000,
              "resume-ns": 345678}})";

const char* const kBlocked = R"({"job-id": 1, "status": "failed", "phase": "validate",
    "generation": 0, "error": {"code": "blocked", "desc": "the domain cannot be updated"},
    "blockers": [{"id": "a", "reason": "x is missing", "remedy": "add x"},
                 {"id": "b", "reason": "y is there"}]})";

using Lines = std::vector<std::string>;

TEST(InfoLines, TellOfAnUpdate) {
    JobSummary job = summary_of(R"({"job-id": 1, "status": "completed", "phase": "finish",
        "domain-pid": 4711, "generation": 3, "old": {"binary": "/a", "version": "1"},
        "new": {"binary": "/b", "version": "2"}, "pause": {"total-ns": 2000000}})");
    EXPECT_EQ(info_lines(job),
              (Lines{"Status:          completed", "Phase:           finish", "Generation:      3",
                     "PID:             4711", "Old VMM:         /a (1)", "New VMM:         /b (2)",
                     "Pause:                2.000 ms", "Blockers:        0"}));
}

TEST(InfoLines, TellOfAVmmInAnotherProcess) {
    const Lines lines = info_lines(
        summary_of(R"({"job-id": 1, "status": "rolled-back", "domain-pid": 1, "vmm-pid": 2})"));
    EXPECT_EQ(lines[1], "PID:             1");
    EXPECT_EQ(lines[2], "VMM's PID:       2");
}

TEST(InfoLines, NameEachBlocker) {
    const Lines lines = info_lines(summary_of(kBlocked));
    EXPECT_EQ(Lines(lines.end() - 3, lines.end()),
              (Lines{"Blockers:        2", "  blocker a: x is missing (remedy: add x)",
                     "  blocker b: y is there"}));
}

TEST(InfoLines, OfADomainThatWasNeverUpdatedAreFew) {
    EXPECT_EQ(info_lines(summary_of(R"({"job-id": 0, "status": "none", "generation": 0})")),
              (Lines{"Status:          none", "Generation:      0", "Blockers:        0"}));
}

TEST(SuccessLine, NamesVersionsAndPause) {
    EXPECT_EQ(success_line(kUpdate, summary_of(kCompleted)),
              "Domain 'g1' updated in place from 0.1.0 to 0.1.0+next, paused for 12.3 ms");
}

TEST(SuccessLine, OfAGuestThatDidNotRunHasNoPause) {
    JobSummary job = summary_of(R"({"job-id": 1, "status": "completed",
        "old": {"version": "1"}, "new": {"version": "2"}})");
    EXPECT_EQ(success_line(kUpdate, job), "Domain 'g1' updated in place from 1 to 2");
}

TEST(SuccessLine, OfACheckSaysThatItCanBeDone) {
    EXPECT_EQ(success_line(kCheck, summary_of(kCompleted)),
              "Domain 'g1' can be updated in place from 0.1.0 to 0.1.0+next");
}

TEST(SuccessLine, IsReadableWithoutVersions) {
    EXPECT_EQ(success_line(kUpdate, summary_of(R"({"job-id": 1, "status": "completed"})")),
              "Domain 'g1' updated in place from an unknown version to an unknown version");
}

TEST(SuccessLine, OfACheckThatSomebodyElseMadeSaysSo) {
    EXPECT_EQ(success_line(kUpdate, summary_of(R"({"job-id": 1, "status": "completed",
                  "check": true, "old": {"version": "1"}, "new": {"version": "2"}})")),
              "Domain 'g1' can be updated in place from 1 to 2");
}

TEST(LongestPause, IsComparedWithThePause) {
    UpdateRequest request = kUpdate;
    EXPECT_FALSE(was_paused_too_long(request, summary_of(kCompleted)));
    request.max_pause_milliseconds = 13;
    EXPECT_FALSE(was_paused_too_long(request, summary_of(kCompleted)));
    request.max_pause_milliseconds = 12;
    EXPECT_TRUE(was_paused_too_long(request, summary_of(kCompleted)));
    EXPECT_FALSE(was_paused_too_long(request, summary_of(kBlocked)));
}

TEST(FailureLines, GiveEachBlockerWithReasonAndRemedy) {
    EXPECT_EQ(failure_lines(kUpdate, summary_of(kBlocked)),
              (Lines{"Failed to update domain 'g1' in place",
                     "blocker a: x is missing (remedy: add x)", "blocker b: y is there"}));
}

TEST(FailureLines, KeepAnErrorThatBlockersDoNotExplain) {
    JobSummary job = summary_of(kBlocked);
    job.error_code = "binary-missing";
    EXPECT_EQ(failure_lines(kUpdate, job)[1], "the domain cannot be updated");
    EXPECT_EQ(failure_lines(kUpdate, job).size(), 4u);
}

TEST(FailureLines, OfACheckDoNotSpeakOfAnUpdate) {
    EXPECT_EQ(failure_lines(kCheck, summary_of(kBlocked))[0],
              "Domain 'g1' cannot be updated in place");
}

TEST(FailureLines, SayWhatTheGuestRunsOnAfterARollback) {
    JobSummary job = summary_of(R"({"job-id": 1, "status": "rolled-back",
        "old": {"version": "0.1.0"}, "error": {"code": "exec-failed", "desc": "cannot execute"}})");
    EXPECT_EQ(failure_lines(kUpdate, job),
              (Lines{"Failed to update domain 'g1' in place", "cannot execute",
                     "the guest runs on with 0.1.0"}));
}

TEST(FailureLines, NameACancellation) {
    const JobSummary job =
        summary_of(R"({"job-id": 1, "status": "cancelled", "old": {"version": "1"}})");
    EXPECT_EQ(failure_lines(kUpdate, job),
              (Lines{"Failed to update domain 'g1' in place", "the update was cancelled",
                     "the guest runs on with 1"}));
    EXPECT_EQ(failure_lines(kCheck, job).size(), 2u);
}

TEST(PauseLines, AddUpByPhase) {
    EXPECT_EQ(pause_lines(summary_of(kCompleted)),
              (Lines{"Pause:               12.346 ms", "  save:               1.000 ms",
                     "  exec:               2.000 ms", "  load:               9.000 ms",
                     "  resume:             0.346 ms"}));
}

TEST(PauseLines, BeginWithTheRehearsal) {
    EXPECT_EQ(pause_lines(summary_of(R"({"job-id": 1, "status": "completed",
                  "rehearsal": {"pause-ns": 1234567, "state-bytes": 9}})")),
              Lines{"Rehearsal:            1.235 ms"});
    EXPECT_EQ(pause_lines(summary_of(R"({"job-id": 1, "status": "completed",
                  "rehearsal": {"skipped": "it has none"}})")),
              Lines{"Rehearsal:       it has none"});
}

TEST(PauseLines, AreNoneForAGuestThatWasNotPaused) {
    EXPECT_TRUE(pause_lines(summary_of(kBlocked)).empty());
}

}  // namespace
}  // namespace cpr::tools
