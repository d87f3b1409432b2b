// SPDX-License-Identifier: LGPL-2.1-or-later
#include <utility>

#include "unit/controller/update_fixture.h"

namespace cpr::controller {
namespace {

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

TEST_F(UpdateTest, ASaveThatNeverStoppedTheGuestHasNoPause) {
    start();
    EXPECT_TRUE(result().contains("pause"));
    vmm_->fails("cpr-save", "blocked", "a blocker of the last moment");
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back");
    EXPECT_FALSE(job.contains("pause")) << job;
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
    // Too late for the deadline, so that a way back would still find a VMM that answers.
    EventSource late;
    vmm_->on("cont", [&](const json& command) -> std::optional<json> {
        late = loop_.after(std::chrono::milliseconds(1200), [this, command] {
            vmm_->answer(command, {{"return", json::object()}});
        });
        return std::nullopt;
    });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "failed");
    EXPECT_EQ(job["phase"], "resume");
    EXPECT_EQ(job["error"]["code"], "timeout");
    EXPECT_EQ(vmm_->count("getfd"), 1u);
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

}  // namespace
}  // namespace cpr::controller
