// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/monotonic.h"
#include "controller/update_service.h"
#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

// Whole updates, from libvirt's end of the monitor, against a VMM that follows docs/protocol.md.
class UpdateTest : public LoopTest {
  protected:
    void SetUp() override {
        folder_.program("old");
        folder_.program("new");
        auto [ours, theirs] = socket_pair();
        vmm_ = std::make_unique<FakeVmm>(loop_, std::move(theirs));
        link_ = std::make_unique<VmmLink>(
            loop_, std::move(ours),
            VmmLink::Handlers{[this](const json& greeting) { relay_->start(greeting); },
                              [this](Message event) { relay_->on_event(std::move(event)); },
                              [](const std::string&) {}});
        relay_ = std::make_unique<Relay>(loop_, listen_at(folder_.path("m.sock")), *link_);
        UpdateDeadlines deadlines;
        deadlines.query = deadlines.save = deadlines.exec = deadlines.load = deadlines.resume =
            std::chrono::milliseconds(1000);
        deadlines.info = std::chrono::milliseconds(3000);
        auto binary = std::make_shared<const Binary>(open_binary(folder_.path("old")));
        service_ = std::make_unique<UpdateService>(
            loop_, *link_, *relay_,
            UpdateService::Settings{{42, binary, {folder_.path("old"), "-S"}},
                                    [this] { return configured_; },
                                    deadlines});
        script_vmm();
        vmm_->greet();
        client_ = std::make_unique<FakeClient>(loop_, connect_to(folder_.path("m.sock")));
        client_->command("qmp_capabilities", "caps");
        run_until([&] { return client_->answer("caps").has_value(); });
    }

    void TearDown() override {
        vmm_->die();
        bool idle = false;
        service_->when_idle([&] { idle = true; });
        run_until([&] { return idle; });
    }

    void script_vmm() {
        vmm_->on("query-cpr", [this](const json&) {
            return json{
                {"return",
                 {{"version", "0.1.0"},
                  {"state", state_},
                  {"was-running", running_before_},
                  {"blockers", blockers_},
                  {"sections", {{{"kind", "serial16550"}, {"version", 1}}}},
                  {"timeline", {{"vcpus-stopped-ns", stopped_}, {"vcpus-running-ns", running_}}}}}};
        });
        vmm_->on("query-status", [this](const json&) {
            const bool runs = running_before_ && state_ == "none" && !left_stopped_;
            return json{{"return", {{"status", runs ? "running" : "paused"}, {"running", runs}}}};
        });
        vmm_->returns("getfd", json::object());
        vmm_->returns("closefd", json::object());
        vmm_->on("cpr-save", [this](const json&) {
            state_ = "saved";
            stopped_ = monotonic_ns();
            vmm_->event("STOP");
            return json{{"return",
                         {{"was-running", running_before_},
                          {"state-bytes", 4711},
                          {"timeline", {{"vcpus-stopped-ns", stopped_}}}}}};
        });
        vmm_->on("cpr-exec", [this](const json&) {
            state_ = "incoming";
            vmm_->greet("9.9.9");
            return std::nullopt;
        });
        vmm_->on("cpr-load", [this](const json&) {
            state_ = "none";
            left_stopped_ = true;
            return json{{"return", {{"was-running", running_before_}}}};
        });
        const auto go_on = [this](const json&) {
            state_ = "none";
            left_stopped_ = false;
            running_ = monotonic_ns();
            vmm_->event("RESUME");
            return json{{"return", json::object()}};
        };
        vmm_->on("cont", go_on);
        vmm_->on("cpr-cancel", go_on);
    }

    json ask(const std::string& command, json arguments = json::object()) {
        const json id = ++asked_;
        client_->command(command, id, std::move(arguments));
        run_until([&] { return client_->answer(id).has_value(); });
        return client_->answer(id).value_or(json::object());
    }
    void start(json arguments = json::object()) {
        client_->messages.clear();
        const json answer = ask("update-in-place", std::move(arguments));
        EXPECT_TRUE(answer.contains("return")) << answer;
    }
    // The last job's document, after its end.
    json result() {
        run_until([&] { return final_event().has_value(); });
        json document = ask("query-update-in-place")["return"];
        EXPECT_EQ(document, final_event().value_or(json()));
        return document;
    }
    std::optional<json> final_event() const {
        for (const json& message : client_->messages)
            if (message.value("event", "") == "UPDATE_IN_PLACE" &&
                message["data"]["status"] != "running")
                return message["data"];
        return std::nullopt;
    }
    std::vector<std::string> phases_of_events() const {
        std::vector<std::string> phases;
        for (const json& message : client_->messages)
            if (message.value("event", "") == "UPDATE_IN_PLACE" &&
                message["data"]["status"] == "running")
                phases.push_back(message["data"]["phase"]);
        return phases;
    }
    // The VMM's commands since the update began, less questions.
    std::vector<std::string> deeds() const {
        std::vector<std::string> names = vmm_->names();
        std::erase_if(names, [](const std::string& name) { return name.starts_with("query-"); });
        return names;
    }
    bool saw_host_events() const { return client_->events("STOP") + client_->events("RESUME") > 0; }

    const TestFolder folder_;
    std::string configured_ = folder_.path("new");
    std::string state_ = "none";
    json blockers_ = json::array();
    bool running_before_ = true;
    bool left_stopped_ = false;
    int64_t stopped_ = 0;
    int64_t running_ = 0;
    std::unique_ptr<FakeVmm> vmm_;
    std::unique_ptr<VmmLink> link_;
    std::unique_ptr<Relay> relay_;
    std::unique_ptr<UpdateService> service_;
    std::unique_ptr<FakeClient> client_;
    int asked_ = 0;
};

using Names = std::vector<std::string>;

TEST_F(UpdateTest, GoesThroughAllPhases) {
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "completed") << job;
    EXPECT_EQ(job["phase"], "finish");
    EXPECT_EQ(job["generation"], 1);
    EXPECT_EQ(job["domain-pid"], 42);
    EXPECT_EQ(job["old"], (json{{"binary", folder_.path("old")}, {"version", "0.1.0"}}));
    EXPECT_EQ(job["new"], (json{{"binary", folder_.path("new")}, {"version", "0.1.0+next"}}));
    EXPECT_EQ(job["state-bytes"], 4711);
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
    EXPECT_EQ(ask("query-update-in-place")["return"],
              (json{{"job-id", 0}, {"status", "none"}, {"generation", 0}}));
    EXPECT_EQ(ask("cancel-update-in-place")["error"]["code"], "no-job");
}

TEST_F(UpdateTest, RefusesArgumentsThatItDoesNotKnow) {
    for (const json& arguments : {json{{"binry", "/x"}}, json{{"binary", 5}}, json{{"check", 1}},
                                  json{{"binary", "relative"}}, json{{"binary", ""}}})
        EXPECT_EQ(ask("update-in-place", arguments)["error"]["code"], "invalid-argument")
            << arguments;
    EXPECT_EQ(ask("query-update-in-place", {{"x", 1}})["error"]["code"], "invalid-argument");
    EXPECT_EQ(ask("query-update-in-place")["return"]["status"], "none");
}

// --- Refused in validation

struct Refusal {
    const char* binary;
    const char* code;
};

class Validation : public UpdateTest, public testing::WithParamInterface<Refusal> {};

TEST_P(Validation, RefusesTheBinaryAndNothingHappens) {
    if (std::string(GetParam().binary) == "plain")
        folder_.file("plain", "x");
    else if (std::string(GetParam().binary) != "absent")
        folder_.program(GetParam().binary);
    start({{"binary", folder_.path(GetParam().binary)}});
    const json job = result();
    EXPECT_EQ(job["status"], "failed");
    EXPECT_EQ(job["phase"], "validate");
    EXPECT_EQ(job["error"]["code"], GetParam().code) << job["error"];
    EXPECT_FALSE(job["error"]["desc"].get<std::string>().empty());
    EXPECT_EQ(deeds(), Names{});
    configured_ = folder_.path("new");
    start();
    EXPECT_EQ(result()["status"], "completed");
}

INSTANTIATE_TEST_SUITE_P(
    Binaries, Validation,
    testing::Values(Refusal{"absent", "binary-missing"}, Refusal{"plain", "binary-not-executable"},
                    Refusal{"garbage", "binary-foreign"}, Refusal{"fails", "binary-foreign"},
                    Refusal{"hang", "binary-foreign"}, Refusal{"other-name", "binary-foreign"},
                    Refusal{"other-format", "binary-incompatible"},
                    Refusal{"other-section", "binary-incompatible"}));

TEST_F(UpdateTest, BlockersAreListedAndRefused) {
    blockers_ = {{{"id", "a"}, {"reason", "because"}, {"remedy", "detach it"}},
                 {{"id", "b"}, {"reason", "so there"}, {"remedy", "none"}}};
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "failed");
    EXPECT_EQ(job["blockers"], blockers_);
    EXPECT_EQ(job["error"]["code"], "blocked");
    EXPECT_NE(job["error"]["desc"].get<std::string>().find("because; so there"), std::string::npos);
    EXPECT_EQ(deeds(), Names{});
}

TEST_F(UpdateTest, AVmmWithoutTheCommandsIsRefused) {
    vmm_->on("query-cpr", [](const json&) {
        return json{{"error", {{"class", "CommandNotFound"}, {"desc", "not found"}}}};
    });
    start();
    EXPECT_EQ(result()["error"]["code"], "unsupported");
}

TEST_F(UpdateTest, AConfigurationThatNamesNothingIsRefused) {
    configured_ = "";
    start();
    EXPECT_EQ(result()["error"]["code"], "binary-missing");
}

// --- Failures later on: the guest goes on running on the old binary

TEST_F(UpdateTest, APrepareThatFailsIsRolledBack) {
    vmm_->fails("getfd", "system", "no descriptors left");
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back");
    EXPECT_EQ(job["phase"], "prepare");
    EXPECT_EQ(deeds(), Names{"getfd"});
}

TEST_F(UpdateTest, ASaveThatFailsLeavesTheGuestRunning) {
    vmm_->on("cpr-save", [this](const json&) {
        // As the VMM does: stopped, failed, resumed.
        vmm_->event("STOP");
        stopped_ = monotonic_ns();
        running_ = stopped_ + 1000;
        vmm_->event("RESUME");
        return json{{"error", {{"class", "GenericError"}, {"code", "system"}, {"desc", "EIO"}}}};
    });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["phase"], "save");
    EXPECT_EQ(job["error"], (json{{"code", "system"}, {"desc", "cpr-save: EIO"}}));
    EXPECT_EQ(job["pause"]["total-ns"], 1000);
    EXPECT_EQ(job["generation"], 0);
    EXPECT_EQ(deeds(), (Names{"getfd", "cpr-save", "closefd"}));
    EXPECT_FALSE(saw_host_events());
    EXPECT_EQ(ask("query-status")["return"]["running"], true);
}

TEST_F(UpdateTest, ASaveThatDoesNotAnswerIsCancelled) {
    vmm_->on("cpr-save", [this](const json&) {
        state_ = "saved";
        return std::nullopt;
    });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["error"]["code"], "timeout");
    EXPECT_EQ(vmm_->count("cpr-cancel"), 1u);
}

TEST_F(UpdateTest, AnExecThatFailsIsCancelled) {
    vmm_->fails("cpr-exec", "exec-failed", "execveat: Permission denied");
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["phase"], "exec");
    EXPECT_EQ(job["error"]["code"], "exec-failed");
    EXPECT_EQ(job["pause"]["total-ns"], running_ - stopped_);
    EXPECT_EQ(job["pause"]["exec-ns"], 0);
    EXPECT_EQ(deeds(), (Names{"getfd", "cpr-save", "cpr-exec", "cpr-cancel", "closefd"}));
    EXPECT_FALSE(saw_host_events());
    script_vmm();
    start();
    EXPECT_EQ(result()["status"], "completed");
}

TEST_F(UpdateTest, ALoadThatFailsGoesBackToTheOldBinary) {
    bool failed = false;
    vmm_->on("cpr-load", [&](const json&) -> std::optional<json> {
        if (!std::exchange(failed, true))
            return json{
                {"error", {{"class", "GenericError"}, {"code", "corrupt-state"}, {"desc", "no"}}}};
        left_stopped_ = true;
        return json{{"return", {{"was-running", true}}}};
    });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["error"]["code"], "corrupt-state");
    EXPECT_EQ(deeds(), (Names{"getfd", "cpr-save", "cpr-exec", "qmp_capabilities", "cpr-load",
                              "getfd", "cpr-exec", "qmp_capabilities", "cpr-load", "cont"}));
    EXPECT_EQ(vmm_->commands.back()["execute"], "query-cpr");
    EXPECT_FALSE(saw_host_events());
    EXPECT_EQ(job["generation"], 0);
}

TEST_F(UpdateTest, AGuestThatIsLeftStoppedIsReportedToLibvirt) {
    vmm_->fails("cpr-load", "corrupt-state", "no");
    int execs = 0;
    vmm_->on("cpr-exec", [&](const json&) -> std::optional<json> {
        state_ = "incoming";
        if (++execs > 1)
            return json{{"error", {{"class", "GenericError"}, {"desc", "not now"}}}};
        vmm_->greet();
        return std::nullopt;
    });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "failed");
    EXPECT_NE(job["error"]["desc"].get<std::string>().find("could not be undone"),
              std::string::npos);
    EXPECT_EQ(client_->events("STOP"), 1u);
    // Never a second try to load on the new binary, and never a guest that runs half loaded.
    EXPECT_EQ(vmm_->count("cpr-load"), 1u);
    EXPECT_EQ(vmm_->count("cont"), 0u);
}

TEST_F(UpdateTest, AfterTheFirstEntryThereIsNoWayBack) {
    vmm_->on("cont", [](const json&) { return std::nullopt; });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "failed");
    EXPECT_EQ(job["phase"], "resume");
    EXPECT_EQ(job["error"]["code"], "timeout");
    EXPECT_EQ(vmm_->count("cpr-exec"), 1u);
    EXPECT_EQ(vmm_->count("cpr-load"), 1u);
}

TEST_F(UpdateTest, AContThatIsRefusedGoesBack) {
    bool refused = false;
    vmm_->on("cont", [&](const json&) {
        if (!std::exchange(refused, true))
            return json{{"error", {{"class", "GenericError"}, {"desc", "not ready"}}}};
        running_ = monotonic_ns();
        return json{{"return", json::object()}};
    });
    start();
    const json job = result();
    EXPECT_EQ(vmm_->count("cpr-exec"), 2u);
    EXPECT_EQ(job["status"], "rolled-back") << job;
}

class DyingVmm : public UpdateTest, public testing::WithParamInterface<const char*> {};

TEST_P(DyingVmm, EndsTheJobAtOnce) {
    vmm_->on(GetParam(), [this](const json&) -> std::optional<json> {
        loop_.post([this] { vmm_->die(); });
        return std::nullopt;
    });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "failed") << job;
    EXPECT_EQ(job["error"]["code"], "vmm-gone") << job;
}

INSTANTIATE_TEST_SUITE_P(Commands, DyingVmm,
                         testing::Values("query-cpr", "cpr-save", "cpr-exec", "cpr-load", "cont"));

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
        return std::nullopt;
    });
    start();
    run_until([&] { return !waiting.is_null(); });
    EXPECT_EQ(ask("cancel-update-in-place")["return"], json::object());
    vmm_->answer(waiting, {{"return", {{"was-running", true}}}});
    const json job = result();
    EXPECT_EQ(job["status"], "cancelled") << job;
    EXPECT_EQ(job["error"]["code"], "cancelled");
    EXPECT_EQ(deeds(), (Names{"getfd", "cpr-save", "cpr-cancel", "closefd"}));
}

TEST_F(UpdateTest, CannotBeCancelledAfterTheExec) {
    json waiting;
    vmm_->on("cpr-load", [&](const json& command) -> std::optional<json> {
        waiting = command;
        return std::nullopt;
    });
    start();
    run_until([&] { return !waiting.is_null(); });
    ask("cancel-update-in-place");
    vmm_->answer(waiting, {{"return", {{"was-running", true}}}});
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
