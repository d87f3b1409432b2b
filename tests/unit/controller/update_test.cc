// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <algorithm>

#include "unit/controller/update_fixture.h"

namespace cpr::controller {
namespace {

// Longer than any rehearsal here.
constexpr int64_t kLongSaveNs = 20'000'000'000;

TEST_F(UpdateTest, GoesThroughAllPhases) {
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "completed") << job;
    EXPECT_EQ(job["phase"], "finish");
    EXPECT_EQ(job["generation"], 1);
    EXPECT_EQ(job["domain-pid"], process_->pid);
    EXPECT_FALSE(job.contains("vmm-pid"));
    EXPECT_EQ(job["old"], (json{{"binary", folder_.path("old")}, {"version", "0.1.0"}}));
    EXPECT_EQ(job["new"], (json{{"binary", folder_.path("new")}, {"version", "0.1.0+next"}}));
    EXPECT_EQ(job["state-bytes"], 4711);
    EXPECT_EQ(rings(), 0u);
    EXPECT_FALSE(job.contains("error"));
    const Names phases{"validate", "prepare", "save", "exec", "load", "resume", "finish"};
    EXPECT_EQ(phases_of_events(), phases);
    ASSERT_EQ(job["phases"].size(), phases.size());
    for (const json& phase : job["phases"])
        EXPECT_LE(phase["begin-ns"].get<int64_t>(), phase["end-ns"].get<int64_t>());
    EXPECT_EQ(deeds(),
              (Names{"getfd", "cpr-save", "cpr-exec", "qmp_capabilities", "cpr-load", "cont"}));
    EXPECT_FALSE(saw_host_events());
}

TEST_F(UpdateTest, ThePartsOfThePauseAddUp) {
    start();
    const json pause = result()["pause"];
    EXPECT_EQ(pause["stopped-at-ns"], stopped_);
    EXPECT_EQ(pause["running-at-ns"], running_);
    EXPECT_EQ(pause["total-ns"], running_ - stopped_);
    EXPECT_EQ(pause["save-ns"].get<int64_t>() + pause["exec-ns"].get<int64_t>() +
                  pause["load-ns"].get<int64_t>() + pause["resume-ns"].get<int64_t>(),
              running_ - stopped_);
    for (const char* part : {"save-ns", "exec-ns", "load-ns", "resume-ns"})
        EXPECT_GT(pause[part], 0);
}

TEST_F(UpdateTest, NobodyIsWokenWhileTheGuestIsPaused) {
    Names told;
    bool logged_save = true;
    vmm_->on("cont", [&](const json&) {
        told = phases_of_events();
        logged_save = logged("save");
        enter_guest();
        state_ = "none";
        left_stopped_ = false;
        running_ = monotonic_ns();
        return json{{"return", json::object()}};
    });
    start();
    const json pause = result()["pause"];
    // On a host that is so slow, they are told after a while, and rightly.
    if (std::chrono::nanoseconds(pause["total-ns"].get<int64_t>()) <
        ClientSession::kLongestDelay / 2) {
        EXPECT_EQ(told, (Names{"validate", "prepare"}));
        EXPECT_FALSE(logged_save);
    }
    EXPECT_TRUE(logged("save"));
    EXPECT_TRUE(logged("resume"));
}

TEST_F(UpdateTest, APauseThatLastsIsTold) {
    deadlines_.load = std::chrono::seconds(20);
    std::optional<json> load;
    vmm_->on("cpr-load", [&](const json& command) {
        load = command;
        return std::nullopt;
    });
    start();
    run_until([&] {
        const Names told = phases_of_events();
        return logged("exec") && !told.empty() && told.back() == "load";
    });
    EXPECT_FALSE(final_event());
    state_ = "none";
    left_stopped_ = true;
    vmm_->answer(load.value(), {{"return", {{"was-running", true}}}});
    EXPECT_EQ(result()["status"], "completed");
}

TEST_F(UpdateTest, HandsOverTheBinaryAndItsCommandLine) {
    start();
    result();
    ASSERT_EQ(vmm_->fds.size(), 1u);
    char target[512] = {};
    const std::string link = "/proc/self/fd/" + std::to_string(vmm_->fds[0].get());
    ASSERT_GT(readlink(link.c_str(), target, sizeof(target) - 1), 0);
    EXPECT_EQ(target, folder_.path("new"));
    const auto exec = std::ranges::find_if(
        vmm_->commands, [](const json& command) { return command["execute"] == "cpr-exec"; });
    EXPECT_EQ((*exec)["arguments"]["arguments"], (json{folder_.path("new"), "-S"}));
}

TEST_F(UpdateTest, TheNextOneStartsFromTheNewBinary) {
    start();
    EXPECT_EQ(result()["generation"], 1);
    start({{"binary", folder_.path("old")}});
    const json job = result();
    EXPECT_EQ(job["status"], "completed") << job;
    EXPECT_EQ(job["generation"], 2);
    EXPECT_EQ(job["job-id"], 2);
    EXPECT_EQ(job["old"]["binary"], folder_.path("new"));
}

TEST_F(UpdateTest, LeaksNoDescriptors) {
    start();
    result();
    const int before = dup(0);
    close(before);
    for (int i = 0; i < 20; ++i) {
        vmm_->fds.clear();
        start();
        EXPECT_EQ(result()["status"], "completed");
    }
    vmm_->fds.clear();
    const int after = dup(0);
    close(after);
    EXPECT_LE(after, before);
}

TEST_F(UpdateTest, APausedGuestStaysPaused) {
    running_before_ = false;
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "completed") << job;
    EXPECT_FALSE(job.contains("pause"));
    EXPECT_EQ(vmm_->count("cont"), 0u);
    // There is no entry that would let go of what the old binary needs.
    EXPECT_EQ(vmm_->count("cpr-finish"), 1u);
    EXPECT_FALSE(saw_host_events());
}

TEST_F(UpdateTest, OnlyValidates) {
    start({{"check", true}});
    const json job = result();
    EXPECT_EQ(job["status"], "completed");
    EXPECT_EQ(job["check"], true);
    EXPECT_EQ(job["generation"], 0);
    EXPECT_EQ(job["new"]["version"], "0.1.0+next");
    EXPECT_EQ(deeds(), Names{});
}

TEST_F(UpdateTest, ThereIsNoJobBeforeTheFirst) {
    EXPECT_EQ(
        ask("query-update-in-place")["return"],
        (json{
            {"job-id", 0}, {"status", "none"}, {"domain-pid", process_->pid}, {"generation", 0}}));
    EXPECT_EQ(ask("cancel-update-in-place")["error"]["code"], "no-job");
}

TEST_F(UpdateTest, RefusesArgumentsThatItDoesNotKnow) {
    for (const json& arguments :
         {json{{"binry", "/x"}}, json{{"binary", 5}}, json{{"check", 1}},
          json{{"binary", "relative"}}, json{{"binary", ""}}, json{{"max-pause", 0}},
          json{{"max-pause", "1"}}, json{{"mode", "fast"}}, json{{"mode", 1}}})
        EXPECT_EQ(ask("update-in-place", arguments)["error"]["code"], "invalid-argument")
            << arguments;
    EXPECT_EQ(ask("query-update-in-place", {{"x", 1}})["error"]["code"], "invalid-argument");
    EXPECT_EQ(ask("query-update-in-place")["return"]["status"], "none");
}

// --- The mode

TEST_F(UpdateTest, TellsItsMode) {
    for (const char* mode : {"auto", "exec"}) {
        start({{"check", true}, {"mode", mode}});
        EXPECT_EQ(result()["mode"], "exec") << mode;
    }
}

TEST_F(UpdateTest, RefusesTheModeOfAnotherKindOfVmm) {
    start({{"mode", "transfer"}});
    const json job = result();
    EXPECT_EQ(job["status"], "failed");
    EXPECT_EQ(job["error"]["code"], "unsupported") << job;
    EXPECT_TRUE(deeds().empty());
}

// --- The longest pause

TEST_F(UpdateTest, IsRefusedIfTheRehearsalTakesTooLong) {
    start({{"max-pause", 1}});
    const json job = result();
    EXPECT_EQ(job["status"], "failed") << job;
    EXPECT_EQ(job["error"]["code"], "pause-too-long");
    EXPECT_TRUE(deeds().empty());
}

TEST_F(UpdateTest, GoesBackIfTheSaveTakesTooLong) {
    vmm_->on("cpr-save", [this](const json&) {
        state_ = "saved";
        stopped_ = monotonic_ns() - kLongSaveNs;
        gate_fd_ = state::EntryGate::create();
        return json{{"return",
                     {{"was-running", true},
                      {"sections", json::array()},
                      {"timeline", {{"vcpus-stopped-ns", stopped_}}}}}};
    });
    start({{"max-pause", kLongSaveNs / 1'000'000}});
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["error"]["code"], "pause-too-long");
    EXPECT_EQ(job["phase"], "save");
    EXPECT_EQ(deeds(), (Names{"getfd", "cpr-save", "cpr-cancel", "closefd"}));
}

TEST_F(UpdateTest, OfAPausedGuestHasNoPauseThatCouldBeTooLong) {
    running_before_ = false;
    vmm_->on("cpr-rehearse", [this](const json& command) { return send_copy(command, 0); });
    start({{"max-pause", 1}});
    EXPECT_EQ(result()["status"], "completed");
}

// --- Meanwhile

TEST_F(UpdateTest, RefusesASecondJob) {
    vmm_->on("query-cpr", [](const json&) { return std::nullopt; });
    start();
    EXPECT_EQ(ask("update-in-place")["error"]["code"], "job-active");
    EXPECT_EQ(ask("query-update-in-place")["return"]["status"], "running");
    EXPECT_EQ(result()["error"]["code"], "timeout");
}

TEST_F(UpdateTest, CanBeCancelledBeforeTheExec) {
    json waiting;
    vmm_->on("cpr-save", [&](const json& command) -> std::optional<json> {
        waiting = command;
        state_ = "saved";
        gate_fd_ = state::EntryGate::create();
        return std::nullopt;
    });
    start();
    run_until([&] { return !waiting.is_null(); });
    EXPECT_EQ(ask("cancel-update-in-place")["return"], json::object());
    vmm_->answer(waiting, {{"return", {{"was-running", true}, {"sections", json::array()}}}});
    const json job = result();
    EXPECT_EQ(job["status"], "cancelled") << job;
    EXPECT_EQ(job["error"]["code"], "cancelled");
    EXPECT_EQ(deeds(), (Names{"getfd", "cpr-save", "cpr-cancel", "closefd"}));
}

TEST_F(UpdateTest, CanBeCancelledInTheNewBinary) {
    json waiting;
    vmm_->on("cpr-load", [&](const json& command) -> std::optional<json> {
        if (waiting.is_null())
            return waiting = command, std::nullopt;
        return json{{"return", {{"was-running", true}}}};
    });
    start();
    run_until([&] { return !waiting.is_null(); });
    ask("cancel-update-in-place");
    vmm_->answer(waiting, {{"return", {{"was-running", true}}}});
    const json job = result();
    EXPECT_EQ(job["status"], "cancelled") << job;
    EXPECT_EQ(job["generation"], 0);
    EXPECT_EQ(vmm_->count("cpr-exec"), 2u);
    EXPECT_EQ(vmm_->count("cont"), 1u);
}

TEST_F(UpdateTest, CanBeCancelledUpToTheFirstEntry) {
    json waiting;
    vmm_->on("cont", [&](const json& command) -> std::optional<json> {
        if (waiting.is_null())
            return waiting = command, std::nullopt;
        enter_guest();
        return json{{"return", json::object()}};
    });
    start();
    run_until([&] { return !waiting.is_null(); });
    ask("cancel-update-in-place");
    const auto shut = [&] {
        uint32_t word = 0;
        return pread(gate_fd_.get(), &word, sizeof(word), 0) == sizeof(word) && word != 0;
    };
    while (!shut())
        ask("query-update-in-place");
    vmm_->answer(waiting, {{"error", {{"class", "GenericError"}, {"desc", "given up"}}}});
    const json job = result();
    EXPECT_EQ(job["status"], "cancelled") << job;
    EXPECT_EQ(job["error"]["desc"], "the update was cancelled");
    EXPECT_EQ(job["generation"], 0);
    EXPECT_EQ(vmm_->count("cpr-exec"), 2u);
    EXPECT_EQ(vmm_->count("cont"), 2u);
    EXPECT_TRUE(entered());
}

TEST_F(UpdateTest, CannotBeCancelledOnceTheGuestIsEntered) {
    json waiting;
    vmm_->on("cont", [&](const json& command) -> std::optional<json> {
        waiting = command;
        enter_guest();
        return std::nullopt;
    });
    start();
    run_until([&] { return !waiting.is_null(); });
    ask("cancel-update-in-place");
    vmm_->answer(waiting, {{"return", json::object()}});
    EXPECT_EQ(result()["status"], "completed");
}

TEST_F(UpdateTest, ACancellationThatIsTooLateIsRefused) {
    running_before_ = false;
    json waiting;
    vmm_->on("cpr-finish", [&](const json& command) -> std::optional<json> {
        waiting = command;
        return std::nullopt;
    });
    start();
    run_until([&] { return !waiting.is_null(); });
    EXPECT_EQ(ask("cancel-update-in-place")["error"]["code"], "invalid-state");
    vmm_->answer(waiting, {{"return", json::object()}});
    EXPECT_EQ(result()["status"], "completed");
}

TEST_F(UpdateTest, CommandsWaitForTheEndAndQueryStatusDoesNot) {
    vmm_->returns("query-block", json::array());
    json waiting;
    vmm_->on("cpr-load", [&](const json& command) -> std::optional<json> {
        waiting = command;
        return std::nullopt;
    });
    start();
    run_until([&] { return !waiting.is_null(); });
    EXPECT_EQ(ask("query-status")["return"]["running"], true);
    client_->command("query-block", "block");
    settle();
    EXPECT_EQ(vmm_->count("query-block"), 0u);
    vmm_->answer(waiting, {{"return", {{"was-running", true}}}});
    EXPECT_EQ(result()["status"], "completed");
    run_until([&] { return client_->answer("block").has_value(); });
}

TEST_F(UpdateTest, LibvirtMayReconnectInTheMiddle) {
    json waiting;
    vmm_->on("cpr-load", [&](const json& command) -> std::optional<json> {
        waiting = command;
        return std::nullopt;
    });
    start();
    run_until([&] { return !waiting.is_null(); });
    client_.reset();
    client_ = std::make_unique<FakeClient>(loop_, connect_to(folder_.path("m.sock")));
    client_->command("qmp_capabilities", "caps");
    EXPECT_EQ(ask("query-status")["return"]["running"], true);
    EXPECT_EQ(ask("query-update-in-place")["return"]["phase"], "load");
    vmm_->answer(waiting, {{"return", {{"was-running", true}}}});
    EXPECT_EQ(result()["status"], "completed");
}

}  // namespace
}  // namespace cpr::controller
