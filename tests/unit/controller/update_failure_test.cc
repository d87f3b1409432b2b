// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "unit/controller/update_fixture.h"

namespace cpr::controller {
namespace {

// Never reached by a test.
constexpr std::chrono::milliseconds kLongDeadline(30000);

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
                    Refusal{"other-section", "binary-incompatible"},
                    Refusal{"rehearse-fails", "rehearsal-failed"},
                    Refusal{"rehearse-crashes", "rehearsal-failed"},
                    Refusal{"rehearse-hangs", "rehearsal-failed"},
                    Refusal{"rehearse-silent", "rehearsal-failed"},
                    Refusal{"rehearse-garbage", "rehearsal-failed"}));

TEST_F(UpdateTest, ACheckRehearsesAndTellsOfIt) {
    start({{"check", true}});
    const json job = result();
    EXPECT_EQ(job["status"], "completed") << job;
    EXPECT_EQ(job["rehearsal"]["pause-ns"], 1234);
    EXPECT_EQ(job["rehearsal"]["state-bytes"], 5);
    EXPECT_GT(job["rehearsal"]["run-ns"], 0);
    EXPECT_EQ(vmm_->count("cpr-rehearse"), 1u);
    EXPECT_EQ(deeds(), Names{});
    EXPECT_FALSE(saw_host_events());
}

TEST_F(UpdateTest, ARehearsalThatFailsGivesTheBinarysOwnReason) {
    start({{"binary", folder_.program("rehearse-fails")}});
    const json job = result();
    EXPECT_NE(job["error"]["desc"].get<std::string>().find("state section 'x': no such luck"),
              std::string::npos)
        << job["error"];
    EXPECT_EQ(job["rehearsal"]["pause-ns"], 1234);
}

TEST_F(UpdateTest, AVmmThatCannotCopyItsStateIsNotUpdated) {
    vmm_->fails("cpr-rehearse", "system", "no memory");
    start();
    EXPECT_EQ(result()["error"]["code"], "rehearsal-failed");
    // Without its descriptors.
    vmm_->returns("cpr-rehearse", {{"pause-ns", 1}, {"state-bytes", 5}});
    start();
    EXPECT_EQ(result()["error"]["code"], "rehearsal-failed");
    vmm_->on("cpr-rehearse", [](const json&) { return std::nullopt; });
    start();
    EXPECT_EQ(result()["error"]["code"], "rehearsal-failed");
    EXPECT_EQ(deeds(), Names{});
}

TEST_F(UpdateTest, BlockersComeBeforeTheRehearsal) {
    blockers_ = {{{"id", "a"}, {"reason", "because"}, {"remedy", "detach it"}}};
    start();
    EXPECT_EQ(result()["error"]["code"], "blocked");
    EXPECT_EQ(vmm_->count("cpr-rehearse"), 0u);
}

class FromAVmmWithoutRehearsal : public UpdateTest {
    void SetUp() override { set_up("old-unrehearsed"); }
};

TEST_F(FromAVmmWithoutRehearsal, AnUpdateAndTheReturnGoOnWithout) {
    start();
    json job = result();
    EXPECT_EQ(job["status"], "completed") << job;
    EXPECT_NE(job["rehearsal"]["skipped"].get<std::string>().find("0.0.9"), std::string::npos);
    start({{"binary", folder_.path("old-unrehearsed")}});
    job = result();
    EXPECT_EQ(job["status"], "completed") << job;
    EXPECT_NE(job["rehearsal"]["skipped"].get<std::string>().find("0.0.9"), std::string::npos);
    EXPECT_EQ(vmm_->count("cpr-rehearse"), 0u);
}

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

TEST_F(UpdateTest, MoreDescriptorsThanTheControllerCanKeepAreRefused) {
    blockers_ = {{{"id", "a"}, {"reason", "because"}, {"remedy", "detach it"}}};
    descriptors_ = INT32_MAX;
    start();
    const json job = result();
    ASSERT_EQ(job["blockers"].size(), 2u) << job;
    EXPECT_EQ(job["blockers"][1]["id"], "too-many-files");
    EXPECT_NE(job["error"]["desc"].get<std::string>().find("because; the controller, process"),
              std::string::npos);
    EXPECT_EQ(deeds(), Names{});
}

// Somebody lowers them when nobody asks any more.
TEST_F(UpdateTest, AnotherProcessHasTheLimitsOfBeforeTheSave) {
    const auto files = [this] {
        rlimit limit{};
        prlimit(static_cast<pid_t>(process_->pid), RLIMIT_NOFILE, nullptr, &limit);
        return limit.rlim_cur;
    };
    const auto lost = process_;
    const rlim_t before = files();
    vmm_->on("getfd", [&](const json&) {
        const rlimit low{50, 50};
        prlimit(static_cast<pid_t>(lost->pid), RLIMIT_NOFILE, &low, nullptr);
        EXPECT_EQ(files(), 50u);
        return json{{"return", json::object()}};
    });
    vmm_->on("cpr-load", [this](const json&) -> std::optional<json> {
        loop_.post([this] { vmm_->die(); });
        return std::nullopt;
    });
    start();
    EXPECT_EQ(result()["status"], "rolled-back");
    ASSERT_NE(process_, lost);
    EXPECT_EQ(files(), before);
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

TEST_F(UpdateTest, ADeadlineThatIsNotValidIsRefused) {
    deadlines_error_.emplace(ErrorCode::kInvalidArgument, "'load-deadline' must be a number");
    start({{"binary", folder_.path("new")}});
    const json job = result();
    EXPECT_EQ(job["status"], "failed");
    EXPECT_EQ(job["phase"], "validate");
    EXPECT_EQ(job["error"]["code"], "invalid-argument");
    EXPECT_EQ(job["error"]["desc"], "'load-deadline' must be a number");
    EXPECT_EQ(deeds(), Names{});
    deadlines_error_.reset();
    start();
    EXPECT_EQ(result()["status"], "completed");
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
    EXPECT_EQ(job["error"]["code"], "system");
    EXPECT_EQ(job["error"]["desc"], "cpr-save: EIO");
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

TEST_F(UpdateTest, AListOfDescriptorsWithoutEndIsRefused) {
    deadlines_.save = deadlines_.query = kLongDeadline;
    vmm_->on("cpr-descriptors", [this](const json& command) {
        const json list = {
            {{"name", std::string(100'000, 'x')}, {"index", 0}, {"kind", "[eventfd]"}}};
        vmm_->send({{"return", list}, {"id", command["id"]}}, {interrupt_.get()});
        return std::nullopt;
    });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["phase"], "save");
    EXPECT_EQ(job["error"]["code"], "internal") << job["error"];
    EXPECT_EQ(vmm_->count("cpr-cancel"), 1u);
    EXPECT_EQ(vmm_->count("cpr-descriptors"), 11u);
}

TEST_F(UpdateTest, AListOfDescriptorsMustEndWithinTheSave) {
    std::vector<EventSource> answers;
    vmm_->on("cpr-descriptors", [&](const json& command) {
        answers.push_back(loop_.after(std::chrono::milliseconds(50), [this, command] {
            const json list = {{{"name", "x"}, {"index", 0}, {"kind", "[eventfd]"}}};
            vmm_->send({{"return", list}, {"id", command["id"]}}, {interrupt_.get()});
        }));
        return std::nullopt;
    });
    start();
    const int64_t begin = monotonic_ns();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["phase"], "save");
    EXPECT_EQ(job["error"]["code"], "timeout") << job["error"];
    EXPECT_EQ(vmm_->count("cpr-cancel"), 1u);
    EXPECT_LT(monotonic_ns() - begin, 2'500'000'000);
}

TEST_F(UpdateTest, ASaveInALaterVersionThanTheBinaryKnowsIsCancelled) {
    saved_version_ = 2;
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["phase"], "save");
    EXPECT_EQ(job["error"]["code"], "binary-incompatible");
    EXPECT_EQ(job["pause"]["total-ns"], running_ - stopped_);
    EXPECT_EQ(deeds(), (Names{"getfd", "cpr-save", "cpr-cancel", "closefd"}));
}

TEST_F(UpdateTest, AStateInALaterVersionThanTheBinaryKnowsIsRefusedInValidation) {
    section_version_ = 2;
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "failed") << job;
    EXPECT_EQ(job["phase"], "validate");
    EXPECT_EQ(job["error"]["code"], "binary-incompatible");
    const auto reason = job["error"]["desc"].get<std::string>();
    EXPECT_NE(reason.find("'serial16550' has version 2"), std::string::npos) << reason;
    EXPECT_EQ(deeds(), Names{});
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
    EXPECT_TRUE(entered());
    // What the new VMM may have taken.
    EXPECT_EQ(rings(), 1u);
}

TEST_F(UpdateTest, ANewBinaryThatDoesNotNegotiateIsKilled) {
    vmm_->fails("qmp_capabilities", "", "none of that");
    const auto foreign = process_;
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["phase"], "exec");
    EXPECT_NE(process_, foreign);
    EXPECT_EQ(vmm_->count("cpr-cancel"), 0u);
    EXPECT_TRUE(entered());
}

TEST_F(UpdateTest, ANewBinaryThatCannotBeToldToGoIsKilled) {
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
    const auto killed = process_;
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["error"]["code"], "corrupt-state");
    EXPECT_NE(process_, killed);
    // Never a second try to load on the new binary.
    EXPECT_EQ(vmm_->count("cpr-load"), 1u);
    EXPECT_TRUE(entered());
}

// The state is stale then, whatever the VMM says or does not say.
TEST_F(UpdateTest, AGuestThatRunsOnAfterACancelIsNotBroughtBack) {
    vmm_->fails("cpr-exec", "exec-failed", "execveat: Permission denied");
    vmm_->on("cpr-cancel", [this](const json&) -> std::optional<json> {
        enter_guest();
        return std::nullopt;
    });
    const auto process = process_;
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "failed") << job;
    EXPECT_EQ(process_, process);
    EXPECT_EQ(rings(), 0u);
}

TEST_F(UpdateTest, ASaveThatTheVmmCannotTakeBackIsTakenBackElsewhere) {
    vmm_->fails("cpr-exec", "exec-failed", "execveat: Permission denied");
    vmm_->fails("cpr-cancel", "system", "out of luck");
    const auto process = process_;
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["error"]["code"], "exec-failed");
    EXPECT_NE(process_, process);
    EXPECT_TRUE(entered());
}

TEST_F(UpdateTest, AVmmThatIsNeitherSavedNorUntouchedIsReplaced) {
    vmm_->on("cpr-exec", [this](const json&) {
        state_ = "incoming";
        return json{
            {"error", {{"class", "GenericError"}, {"desc", "still the old one, honestly"}}}};
    });
    const auto process = process_;
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_NE(process_, process);
    EXPECT_TRUE(entered());
}

class OldFails : public UpdateTest {
    void SetUp() override { set_up("old-fails"); }
};

TEST_F(OldFails, AGuestThatIsLostIsReported) {
    vmm_->on("cpr-load", [this](const json&) -> std::optional<json> {
        loop_.post([this] { vmm_->die(); });
        return std::nullopt;
    });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "failed");
    EXPECT_NE(job["error"]["desc"].get<std::string>().find("could not be undone"),
              std::string::npos);
    EXPECT_FALSE(entered());
}

TEST_F(UpdateTest, AGuestThatWasEnteredHasNoWayBack) {
    // Too late for the deadline, so that a way back would still find a VMM that answers.
    EventSource late;
    vmm_->on("cont", [&](const json& command) -> std::optional<json> {
        enter_guest();
        late = loop_.after(std::chrono::milliseconds(1200), [this, command] {
            vmm_->answer(command, {{"return", json::object()}});
        });
        return std::nullopt;
    });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "completed") << job;
    EXPECT_EQ(job["generation"], 1);
    EXPECT_EQ(vmm_->count("getfd"), 1u);
    EXPECT_EQ(vmm_->count("cpr-exec"), 1u);
    EXPECT_EQ(vmm_->count("cpr-load"), 1u);
}

// The gate alone says so.
TEST_F(UpdateTest, AGuestThatWasEnteredUnaskedHasNoWayBack) {
    vmm_->on("cpr-load", [this](const json&) {
        enter_guest();
        return json{{"error", {{"class", "GenericError"}, {"desc", "I have begun already"}}}};
    });
    const auto process = process_;
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "failed") << job;
    EXPECT_EQ(vmm_->count("cpr-exec"), 1u);
    EXPECT_EQ(process_, process);
}

TEST_F(UpdateTest, AVmmThatEndsWithTheGuestIsAnOrdinaryEnd) {
    const auto process = process_;
    vmm_->on("cont", [this](const json&) -> std::optional<json> {
        enter_guest();
        loop_.post([this] { vmm_->die(); });
        return std::nullopt;
    });
    start();
    EXPECT_EQ(result()["status"], "failed");
    EXPECT_EQ(process_, process);
}

// What it runs on counts for the next update, however this one is reported.
TEST_F(UpdateTest, AGuestThatWasEnteredRunsOnTheNewBinaryWhateverItSays) {
    vmm_->on("cont", [this](const json&) {
        enter_guest();
        state_ = "none";
        left_stopped_ = false;
        return json{{"error", {{"class", "GenericError"}, {"desc", "not so well"}}}};
    });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "failed") << job;
    EXPECT_EQ(job["generation"], 1);
    script_vmm();
    start();
    EXPECT_EQ(result()["old"]["binary"], folder_.path("new"));
}

TEST_F(UpdateTest, AnEntryThatIsOnlyClaimedIsNone) {
    vmm_->returns("cont", json::object());
    start();
    const json job = result();
    EXPECT_EQ(job["phase"], "resume");
    EXPECT_NE(job["status"], "completed");
}

TEST_F(UpdateTest, AVmmThatIsSentAwayMustNotEnter) {
    bool entered_late = true;
    vmm_->fails("cont", "system", "not ready");
    int offers = 0;
    vmm_->on("getfd", [&](const json&) {
        if (++offers == 2) {
            entered_late = enter_guest();
            script_vmm();
        }
        return json{{"return", json::object()}};
    });
    start();
    EXPECT_EQ(result()["status"], "rolled-back");
    EXPECT_EQ(offers, 2);
    EXPECT_FALSE(entered_late);
    EXPECT_TRUE(entered());
}

TEST_F(UpdateTest, AContThatIsRefusedGoesBack) {
    bool refused = false;
    vmm_->on("cont", [&](const json&) {
        if (!std::exchange(refused, true))
            return json{{"error", {{"class", "GenericError"}, {"desc", "not ready"}}}};
        running_ = monotonic_ns();
        enter_guest();
        return json{{"return", json::object()}};
    });
    start();
    const json job = result();
    EXPECT_EQ(vmm_->count("cpr-exec"), 2u);
    EXPECT_EQ(job["status"], "rolled-back") << job;
}

TEST_F(UpdateTest, TheWholeUpdateHasATime) {
    vmm_->on("cpr-load", [](const json&) { return std::nullopt; });
    deadlines_.load = kLongDeadline;
    const int64_t begin = monotonic_ns();
    start({{"timeout", 2000}});
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["error"]["code"], "timeout");
    EXPECT_EQ(job["error"]["desc"], "the update took longer than 2000 ms");
    EXPECT_LT(monotonic_ns() - begin, 10'000'000'000);
    for (const json& wrong : {json(0), json(-1), json(1.5), json(1ull << 32), json("soon")})
        EXPECT_TRUE(ask("update-in-place", {{"timeout", wrong}}).contains("error")) << wrong;
}

using Deadline = std::chrono::milliseconds UpdateDeadlines::*;

struct Bound {
    const char* command;
    Deadline deadline;
};

class Deadlines : public UpdateTest, public testing::WithParamInterface<Bound> {};

// All others are longer than the test may take.
TEST_P(Deadlines, EachPartHasItsOwn) {
    for (const Deadline other :
         {&UpdateDeadlines::query, &UpdateDeadlines::save, &UpdateDeadlines::exec,
          &UpdateDeadlines::load, &UpdateDeadlines::resume})
        deadlines_.*other = std::chrono::minutes(1);
    deadlines_.*GetParam().deadline = std::chrono::milliseconds(1234);
    bool hung = false;
    vmm_->on(GetParam().command, [&](const json&) {
        if (!std::exchange(hung, true))
            script_vmm();
        return std::nullopt;
    });
    start();
    const auto reason = result()["error"]["desc"].get<std::string>();
    EXPECT_NE(reason.find(std::string(GetParam().command) + " within 1234 ms"), std::string::npos)
        << reason;
}

INSTANTIATE_TEST_SUITE_P(Commands, Deadlines,
                         testing::Values(Bound{"query-cpr", &UpdateDeadlines::query},
                                         Bound{"cpr-save", &UpdateDeadlines::save},
                                         Bound{"cpr-exec", &UpdateDeadlines::exec},
                                         Bound{"cpr-load", &UpdateDeadlines::load},
                                         Bound{"cont", &UpdateDeadlines::resume}));

TEST_F(UpdateTest, ABinaryThatDoesNotTellOfItselfHasADeadline) {
    deadlines_.info = std::chrono::milliseconds(300);
    folder_.program("hang");
    const int64_t begin = monotonic_ns();
    start({{"binary", folder_.path("hang")}});
    EXPECT_EQ(result()["error"]["code"], "binary-foreign");
    EXPECT_LT(monotonic_ns() - begin, 2'500'000'000);
}

class LongestStop : public UpdateTest, public testing::WithParamInterface<const char*> {
  protected:
    // As docs/protocol.md has it.
    static std::chrono::milliseconds longest_failure(const UpdateDeadlines& d) {
        return d.longest_stop + std::max(d.query + d.exec + d.query, d.save + d.load) +
               (d.kill + d.exec + d.query) + (d.load + d.resume);
    }
};

// Each step alone could go on for longer.
TEST_P(LongestStop, BoundsWhatTheStepsOfAFailedUpdateTakeTogether) {
    deadlines_ = {};
    deadlines_.longest_stop = std::chrono::milliseconds(300);
    vmm_->on(GetParam(), [](const json&) { return std::nullopt; });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], "rolled-back") << job;
    EXPECT_EQ(job["error"]["code"], "timeout");
    EXPECT_EQ(job["error"]["desc"],
              "the guest was kept from running for longer than 300 ms (longest-stop)");
    const int64_t save = job["phases"][2]["begin-ns"];
    const int64_t gave_up = job["phases"].back()["end-ns"];
    EXPECT_GE(gave_up - save, 300'000'000);
    // A VMM that is killed and replaced takes no time, and no question has its whole deadline.
    EXPECT_LT(gave_up - save, deadlines_.query.count() * 1'000'000);
}

INSTANTIATE_TEST_SUITE_P(Commands, LongestStop,
                         testing::Values("cpr-exec", "qmp_capabilities", "cpr-load", "cont"));

TEST_F(LongestStop, IsStatedForTheDefaults) {
    EXPECT_EQ(longest_failure({}), std::chrono::seconds(85));
}

// What a VMM in the guest's hands may send as an interrupt.
class OddInterrupt : public UpdateTest {
  protected:
    void expect_that_it_is_no_obstacle(UniqueFd odd) {
        interrupt_ = std::move(odd);
        vmm_->on("cpr-load", [this](const json&) -> std::optional<json> {
            loop_.post([this] { vmm_->die(); });
            return std::nullopt;
        });
        start();
        EXPECT_EQ(result()["status"], "rolled-back");
    }
};

TEST_F(OddInterrupt, ThatIsFullIsNoObstacle) {
    UniqueFd full(eventfd(0, EFD_CLOEXEC));
    ASSERT_EQ(eventfd_write(full.get(), UINT64_MAX - 1), 0);
    expect_that_it_is_no_obstacle(std::move(full));
}

TEST_F(OddInterrupt, ThatIsAPipeIsNoObstacle) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd read_end(ends[0]);
    UniqueFd full(ends[1]);
    set_nonblocking(full.get(), true);
    const std::vector<char> much(1 << 20);
    while (write(full.get(), much.data(), much.size()) > 0) {
    }
    set_nonblocking(full.get(), false);
    expect_that_it_is_no_obstacle(std::move(full));
}

struct Loss {
    const char* command;
    bool dies;
    const char* status;
};

class LostVmm : public UpdateTest, public testing::WithParamInterface<Loss> {};

// Before the save is complete nothing but the VMM has the guest; after it, the keeper has it too.
TEST_P(LostVmm, TheGuestGoesOnInAnotherProcessFromTheSaveOn) {
    const auto lost = process_;
    vmm_->on(GetParam().command, [this](const json&) -> std::optional<json> {
        if (GetParam().dies)
            loop_.post([this] { vmm_->die(); });
        return std::nullopt;
    });
    start();
    const json job = result();
    EXPECT_EQ(job["status"], GetParam().status) << job;
    EXPECT_EQ(job["error"]["code"], GetParam().dies ? "vmm-gone" : "timeout") << job;
    const bool kept = job["status"] == "rolled-back";
    EXPECT_EQ(process_ != lost, kept);
    EXPECT_EQ(rings(), kept ? 1u : 0u);
    EXPECT_EQ(gate_fd_ && entered(), kept);
    EXPECT_EQ(job.contains("vmm-pid"), process_->pid != lost->pid);
}

INSTANTIATE_TEST_SUITE_P(
    Commands, LostVmm,
    testing::Values(Loss{"query-cpr", true, "failed"}, Loss{"cpr-save", true, "failed"},
                    Loss{"cpr-exec", true, "rolled-back"}, Loss{"cpr-load", true, "rolled-back"},
                    Loss{"cont", true, "rolled-back"}, Loss{"cpr-exec", false, "rolled-back"},
                    Loss{"cpr-load", false, "rolled-back"}, Loss{"cont", false, "rolled-back"}));

}  // namespace
}  // namespace cpr::controller
