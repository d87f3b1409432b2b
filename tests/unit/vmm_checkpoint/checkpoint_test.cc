// SPDX-License-Identifier: LGPL-2.1-or-later
// The order of operations of a save, a load and their undoing, seen by participants that record
// what they are asked to do, and that can be told to fail at any one call.
#include "vmm/checkpoint/checkpoint.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/io.h"

namespace cpr::vmm {
namespace {

using Journal = std::vector<std::string>;

struct Script {
    Journal journal;
    std::string fail_at;
    std::string in_the_way;

    void note(const std::string& what) {
        if (what == fail_at)
            throw Error(ErrorCode::kSystem, "told to fail at {}", what);
        journal.push_back(what);
    }
};

class Recorder : public CheckpointParticipant {
  public:
    Recorder(Script& script, std::string name)
        : script_(script), name_(std::move(name)), fd_(make_memfd(name_)) {}
    void keep(state::OutgoingFds& fds) const override { fds.add(name_, 0, fd_.get()); }
    void find_blockers(std::vector<Blocker>& found) const override {
        if (!script_.in_the_way.empty())
            found.push_back({name_, script_.in_the_way, ""});
    }
    void detach_interrupts() override { script_.note(name_ + ".detach"); }
    void attach_interrupts() override { script_.note(name_ + ".attach"); }
    void check_vaddrs() override { script_.note(name_ + ".check"); }
    void invalidate_vaddrs() override { script_.note(name_ + ".invalidate"); }
    void restore_vaddrs() override { script_.note(name_ + ".restore"); }
    void claim_vaddrs() override { script_.note(name_ + ".claim"); }

  private:
    Script& script_;
    std::string name_;
    UniqueFd fd_;
};

class Subject : public CheckpointSubject {
  public:
    explicit Subject(Script& script) : script_(script), a_(script, "a"), b_(script, "b") {}
    bool running() const override { return running_; }
    void pause_vcpus() override {
        script_.note("pause");
        running_ = false;
    }
    void resume_vcpus() override {
        script_.note("resume");
        running_ = true;
    }
    void set_vcpu_threads(bool there) override { script_.note(there ? "threads" : "no threads"); }
    std::unique_lock<std::mutex> lock_devices() override { return {}; }
    int64_t first_stopped_ns() const override { return 42; }
    std::vector<CheckpointParticipant*> participants() override { return {&a_, &b_}; }
    void save(state::StreamWriter&) const override { script_.note("save"); }
    void keep(state::OutgoingFds&) const override {}
    void flush() override { script_.note("flush"); }
    void build(Restored&) override { script_.note("build"); }
    void discard() override { script_.note("discard"); }

    bool running_ = true;

  private:
    Script& script_;
    Recorder a_;
    Recorder b_;
};

const Journal kSave{"pause",   "a.detach", "b.detach",     "save",
                    "a.check", "b.check",  "a.invalidate", "b.invalidate"};
// By the save itself.
const Journal kUndo{"b.restore", "a.restore", "b.attach", "a.attach", "resume"};

// By a cancel.
Journal undone() {
    Journal all = kUndo;
    all.insert(all.begin(), "threads");
    return all;
}

class CheckpointTest : public testing::Test {
  protected:
    Script script_;
    Subject subject_{script_};
    Blockers blockers_;
    Checkpoint checkpoint_{subject_, blockers_, std::nullopt};
};

TEST_F(CheckpointTest, SaveChecksEveryContainerBeforeItTouchesOne) {
    const auto result = checkpoint_.save();
    EXPECT_EQ(script_.journal, kSave);
    EXPECT_TRUE(result.was_running);
    EXPECT_EQ(result.vcpus_stopped_ns, 42);
    EXPECT_GT(result.state_bytes, 0u);
    EXPECT_EQ(checkpoint_.phase(), Checkpoint::Phase::kSaved);
}

TEST_F(CheckpointTest, AnyFailureOfASaveIsUndoneWhole) {
    for (const std::string& step : kSave) {
        script_ = {};
        script_.fail_at = step;
        EXPECT_THROW(checkpoint_.save(), Error) << step;
        ASSERT_GE(script_.journal.size(), kUndo.size()) << step;
        EXPECT_TRUE(std::equal(kUndo.rbegin(), kUndo.rend(), script_.journal.rbegin())) << step;
        EXPECT_TRUE(subject_.running_) << step;
        EXPECT_EQ(checkpoint_.phase(), Checkpoint::Phase::kNone) << step;
    }
    script_ = {};
    EXPECT_NO_THROW(checkpoint_.save());
}

TEST_F(CheckpointTest, UndoingGoesOnWhenAPartOfItFails) {
    checkpoint_.save();
    script_ = {};
    script_.fail_at = "b.restore";
    EXPECT_THROW(checkpoint_.cancel(), Error);
    EXPECT_EQ(script_.journal, (Journal{"threads", "a.restore", "b.attach", "a.attach", "resume"}));
}

TEST_F(CheckpointTest, ASaveThatNobodyWaitsForIsUndone) {
    EXPECT_THROW(checkpoint_.save(std::chrono::milliseconds(-1)), Error);
    EXPECT_TRUE(std::equal(kUndo.rbegin(), kUndo.rend(), script_.journal.rbegin()));
    EXPECT_TRUE(subject_.running_);
    EXPECT_EQ(checkpoint_.phase(), Checkpoint::Phase::kNone);
}

TEST_F(CheckpointTest, NobodyChangesTheSavedState) {
    checkpoint_.save();
    std::vector<UniqueFd> fds;
    const nlohmann::json list = checkpoint_.share(0, 100, fds);
    ASSERT_EQ(list.size(), fds.size());
    size_t state = 0;
    while (state < fds.size() && list[state]["name"] != "state")
        ++state;
    ASSERT_LT(state, fds.size());
    EXPECT_THROW(write_all(fds[state].get(), {}, "the state"), Error);
}

TEST_F(CheckpointTest, APausedGuestStaysPaused) {
    subject_.running_ = false;
    EXPECT_FALSE(checkpoint_.save().was_running);
    checkpoint_.cancel();
    EXPECT_EQ(std::count(script_.journal.begin(), script_.journal.end(), "resume"), 0);
}

// The state's stream and the table's bytes of a copy.
std::pair<std::vector<uint8_t>, std::vector<uint8_t>> contents(const Checkpoint::CopyResult& copy) {
    return {read_all(copy.state.get(), state::kMaxStream, "the copy"),
            read_all(copy.table.get(), state::kMaxFdTable, "the table")};
}

TEST_F(CheckpointTest, ACopyStopsTheGuestAndTouchesNothing) {
    const auto copy = checkpoint_.copy();
    EXPECT_EQ(script_.journal, (Journal{"pause", "save", "resume"}));
    EXPECT_EQ(checkpoint_.phase(), Checkpoint::Phase::kNone);
    EXPECT_GT(copy.pause_ns, 0);
    const auto [stream, table] = contents(copy);
    EXPECT_EQ(stream.size(), copy.state_bytes);
    state::StreamReader reader(stream);
    EXPECT_TRUE(Checkpoint::take_section(reader));
    EXPECT_NO_THROW(reader.finish());
    const auto entries = nlohmann::json::parse(table);
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0]["name"], "a");
    EXPECT_EQ(entries[1]["name"], "b");
    // A save can follow.
    script_ = {};
    EXPECT_NO_THROW(checkpoint_.save());
    EXPECT_THROW(checkpoint_.copy(), Error);
    EXPECT_EQ(script_.journal, kSave);
}

TEST_F(CheckpointTest, ACopyOfAPausedGuestLeavesItPaused) {
    subject_.running_ = false;
    const auto copy = checkpoint_.copy();
    EXPECT_EQ(script_.journal, Journal{"save"});
    EXPECT_EQ(copy.pause_ns, 0);
    state::StreamReader reader(contents(copy).first);
    EXPECT_FALSE(Checkpoint::take_section(reader));
}

TEST_F(CheckpointTest, AGuestWhoseCopyFailsRunsOn) {
    script_.fail_at = "save";
    EXPECT_THROW(checkpoint_.copy(), Error);
    EXPECT_EQ(script_.journal, (Journal{"pause", "resume"}));
    EXPECT_TRUE(subject_.running_);
}

TEST_F(CheckpointTest, BlockersAreCountedBeforeAnythingHappens) {
    auto blocker = blockers_.add({"test", "a reason", "a remedy"});
    auto other = blockers_.add({"test", "another reason", "a remedy"});
    try {
        checkpoint_.save();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kBlocked);
        EXPECT_NE(error.message().find("a reason; another reason"), std::string::npos);
    }
    EXPECT_TRUE(script_.journal.empty());
    blocker.remove();
    other.remove();
    EXPECT_NO_THROW(checkpoint_.save());
}

TEST_F(CheckpointTest, WhatIsFoundByLookingIsRefusedAsBlockersAre) {
    script_.in_the_way = "a tree";
    const auto registered = blockers_.add({"test", "a reason", "a remedy"});
    const auto outlook = checkpoint_.outlook();
    ASSERT_EQ(outlook.blockers.size(), 3u);
    EXPECT_EQ(outlook.blockers[2].id, "b");
    EXPECT_EQ(outlook.descriptors, 4u);
    try {
        checkpoint_.save();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kBlocked);
        EXPECT_NE(error.message().find("a reason; a tree; a tree"), std::string::npos);
    }
    EXPECT_TRUE(script_.journal.empty());
}

TEST_F(CheckpointTest, LimitsThatAreTooLowAreFoundBeforeAnythingHappens) {
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit low{16, limit.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    EXPECT_EQ(checkpoint_.outlook().blockers.at(0).id, "too-many-files");
    EXPECT_THROW(checkpoint_.save(), Error);
    EXPECT_TRUE(script_.journal.empty());
    setrlimit(RLIMIT_NOFILE, &limit);
    EXPECT_NO_THROW(checkpoint_.save());
    // Afterwards nobody looks: the guest does not run, and is not looked at.
    script_.in_the_way = "a tree";
    EXPECT_TRUE(checkpoint_.outlook().blockers.empty());
}

TEST_F(CheckpointTest, CommandsOutOfOrderAreRefused) {
    EXPECT_THROW(checkpoint_.cancel(), Error);
    EXPECT_THROW(checkpoint_.exec(0, {"x"}), Error);
    EXPECT_THROW(checkpoint_.load(), Error);
    checkpoint_.save();
    EXPECT_THROW(checkpoint_.save(), Error);
    EXPECT_TRUE(script_.journal.size() == kSave.size());
}

// As a keeper has it.
state::EntryGate kept_gate(const Checkpoint& checkpoint) {
    std::vector<UniqueFd> fds;
    const auto list = checkpoint.share(0, 100, fds);
    size_t gate = 0;
    while (list.at(gate)["name"] != state::kEntryGateFd)
        ++gate;
    return state::EntryGate(fds.at(gate).get());
}

TEST_F(CheckpointTest, AFailedExecKeepsTheStateAndClosesDescriptorsAgain) {
    checkpoint_.save();
    script_ = {};
    const UniqueFd no_program = make_memfd("empty");
    try {
        checkpoint_.exec(no_program.get(), {"empty"});
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kExecFailed);
    }
    EXPECT_EQ(script_.journal, (Journal{"flush", "no threads", "threads"}));
    EXPECT_EQ(checkpoint_.phase(), Checkpoint::Phase::kSaved);
    state::OutgoingFds fds;
    for (const auto* participant : subject_.participants())
        participant->keep(fds);
    for (int fd = 3; fd < 256; ++fd) {
        const int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && state::fd_kind(fd) == "memfd") {
            EXPECT_EQ(flags, FD_CLOEXEC) << fd;
        }
    }
    script_ = {};
    EXPECT_NO_THROW(checkpoint_.cancel());
    EXPECT_EQ(script_.journal, undone());
}

TEST_F(CheckpointTest, NoVcpuRunsOnAfterACancelWithoutAThread) {
    checkpoint_.save();
    const UniqueFd no_program = make_memfd("empty");
    script_.fail_at = "threads";
    EXPECT_THROW(checkpoint_.exec(no_program.get(), {"empty"}), Error);
    // Somebody else may still bring the guest back.
    EXPECT_THROW(checkpoint_.cancel(), Error);
    EXPECT_EQ(checkpoint_.phase(), Checkpoint::Phase::kSaved);
    EXPECT_FALSE(kept_gate(checkpoint_).entered());
    script_ = {};
    checkpoint_.cancel();
    EXPECT_EQ(script_.journal, undone());
}

TEST_F(CheckpointTest, WhatIsSavedCanBeKeptElsewhere) {
    std::vector<UniqueFd> fds;
    EXPECT_THROW(checkpoint_.share(0, 8, fds), Error);
    checkpoint_.save();
    const auto first = checkpoint_.share(0, 3, fds);
    const auto rest = checkpoint_.share(3, 8, fds);
    ASSERT_EQ(first.size(), 3u);
    ASSERT_EQ(rest.size(), 1u);
    ASSERT_EQ(fds.size(), 4u);
    EXPECT_EQ(first[0]["name"], "a");
    EXPECT_EQ(first[2], (nlohmann::json{{"name", "state"}, {"index", 0}, {"kind", "memfd"}}));
    EXPECT_EQ(rest[0]["name"], state::kEntryGateFd);
    EXPECT_FALSE(state::EntryGate(fds[3].get()).entered());
    for (const UniqueFd& fd : fds)
        EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(CheckpointTest, AGuestThatRunsOnAfterACancelCannotBeBroughtBack) {
    checkpoint_.save();
    state::EntryGate gate = kept_gate(checkpoint_);
    checkpoint_.cancel();
    EXPECT_TRUE(subject_.running_);
    EXPECT_TRUE(gate.entered());
    EXPECT_FALSE(gate.withdraw());
    EXPECT_NO_THROW(checkpoint_.save());
}

TEST_F(CheckpointTest, AGuestThatIsBroughtBackElsewhereDoesNotRunOnAfterACancel) {
    checkpoint_.save();
    EXPECT_TRUE(kept_gate(checkpoint_).withdraw());
    EXPECT_THROW(checkpoint_.cancel(), Error);
    EXPECT_FALSE(subject_.running_);
}

TEST_F(CheckpointTest, ACancelledGuestThatWasPausedIsNotEntered) {
    subject_.running_ = false;
    checkpoint_.save();
    const state::EntryGate gate = kept_gate(checkpoint_);
    checkpoint_.cancel();
    EXPECT_FALSE(gate.entered());
}

TEST_F(CheckpointTest, ExecHandsOverDescriptorsAndAppendsTheTable) {
    checkpoint_.save();
    // The new program is a shell that counts what it inherited and looks at its arguments.
    const UniqueFd shell = open_file("/bin/sh", O_RDONLY);
    const pid_t child = fork();
    if (child == 0) {
        try {
            checkpoint_.exec(shell.get(),
                             {"sh", "-c",
                              "set -- $0 $1; [ \"$1\" = -cpr ] || exit 3; "
                              "fd=${2#fd=}; grep -c '\"name\":\"state\"' <&$fd >/dev/null || "
                              "exit 4; exit 0"});
        } catch (...) {
        }
        _exit(9);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

// A table as the old binary would have left it, with descriptors of this process.
state::IncomingFds arrived(UniqueFd state, UniqueFd gate = state::EntryGate::create()) {
    state::OutgoingFds out;
    out.add("state", 0, state.get());
    out.add(state::kEntryGateFd, 0, gate.get());
    state::IncomingFds in(out.serialize());
    state.release();
    gate.release();
    return in;
}

struct Own {
    static constexpr std::string_view kKind = "checkpoint";
    static constexpr uint16_t kVersion = 1;
    bool was_running = true;
    template <typename Archive>
    static void fields(const Own& self, Archive& archive) {
        archive(self.was_running);
    }
};

UniqueFd empty_state() {
    state::StreamWriter writer;
    writer.add("checkpoint", Own{});
    UniqueFd fd = make_memfd("state");
    write_all(fd.get(), writer.finish(), "state");
    return fd;
}

TEST(CheckpointLoad, BuildsClaimsAttachesAndThenLetsGo) {
    Script script;
    Subject subject(script);
    Blockers blockers;
    Checkpoint checkpoint(subject, blockers, arrived(empty_state()));
    EXPECT_EQ(checkpoint.phase(), Checkpoint::Phase::kIncoming);
    EXPECT_TRUE(checkpoint.load().was_running);
    EXPECT_EQ(script.journal, (Journal{"build", "a.claim", "b.claim", "a.attach", "b.attach"}));
    EXPECT_EQ(checkpoint.phase(), Checkpoint::Phase::kLoaded);
    EXPECT_THROW(checkpoint.save(), Error);
    checkpoint.enter_guest();
    EXPECT_EQ(checkpoint.phase(), Checkpoint::Phase::kNone);
    EXPECT_NO_THROW(checkpoint.enter_guest());
}

TEST(CheckpointLoad, TheGuestIsNotEnteredAfterTheUpdateWasGivenUp) {
    Script script;
    Subject subject(script);
    Blockers blockers;
    UniqueFd fd = state::EntryGate::create();
    state::EntryGate gate(fd.get());
    Checkpoint checkpoint(subject, blockers, arrived(empty_state(), std::move(fd)));
    checkpoint.load();
    EXPECT_TRUE(gate.withdraw());
    try {
        checkpoint.enter_guest();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCancelled);
    }
    EXPECT_FALSE(gate.entered());
    // By the old binary, in this process.
    gate.reopen();
    checkpoint.enter_guest();
    EXPECT_TRUE(gate.entered());
    EXPECT_FALSE(gate.withdraw());
}

TEST(CheckpointLoad, APausedGuestIsFinishedWithoutAnEntry) {
    Script script;
    Subject subject(script);
    Blockers blockers;
    Checkpoint checkpoint(subject, blockers, arrived(empty_state()));
    checkpoint.load();
    checkpoint.finish();
    EXPECT_EQ(checkpoint.phase(), Checkpoint::Phase::kNone);
    EXPECT_NO_THROW(checkpoint.enter_guest());
}

TEST(CheckpointLoad, EveryFailureDiscardsAndCanBeTriedAgain) {
    Script script;
    Subject subject(script);
    Blockers blockers;
    Checkpoint checkpoint(subject, blockers, arrived(empty_state()));
    for (const std::string& step : Journal{"build", "a.claim", "b.claim", "a.attach", "b.attach"}) {
        script = {};
        script.fail_at = step;
        EXPECT_THROW(checkpoint.load(), Error) << step;
        EXPECT_EQ(script.journal.back(), "discard") << step;
        EXPECT_EQ(checkpoint.phase(), Checkpoint::Phase::kIncoming) << step;
    }
    script = {};
    EXPECT_NO_THROW(checkpoint.load());
}

TEST(CheckpointLoad, CorruptStateIsRefusedBeforeAnythingIsBuilt) {
    Script script;
    Subject subject(script);
    Blockers blockers;
    UniqueFd state = empty_state();
    ASSERT_EQ(pwrite(state.get(), "x", 1, 40), 1);
    Checkpoint checkpoint(subject, blockers, arrived(std::move(state)));
    EXPECT_THROW(checkpoint.load(), Error);
    EXPECT_EQ(script.journal, Journal{"discard"});
}

}  // namespace
}  // namespace cpr::vmm
