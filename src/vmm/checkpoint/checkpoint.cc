// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/checkpoint/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "base/scope_exit.h"
#include "vmm/checkpoint/shortages.h"

namespace cpr::vmm {
namespace {

// What the checkpoint itself must remember.
struct CheckpointState {
    static constexpr std::string_view kKind = "checkpoint";
    static constexpr uint16_t kVersion = 1;
    bool was_running = false;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.was_running);
    }
};
constexpr std::string_view kSectionId = "checkpoint";

// Beside the subject's: the state and the entry gate.
constexpr size_t kOwnDescriptors = 2;

Error blocked(const std::vector<Blocker>& blockers) {
    std::vector<Text> reasons;
    for (const Blocker& blocker : blockers)
        reasons.push_back(blocker.reason);
    return Error(ErrorCode::kBlocked, "the guest cannot be updated in place: {}",
                 Text::joined(reasons, "; "));
}

Error given_up() {
    return Error(ErrorCode::kCancelled, "the update was given up");
}

// Undoing goes on whatever happens; the first failure is the one to tell.
class Undo {
  public:
    void operator()(const std::function<void()>& step) {
        try {
            step();
        } catch (const Error& error) {
            log::error("undoing a save: {}", error.message());
            if (!first_)
                first_ = error;
        }
    }
    void rethrow() const {
        if (first_)
            throw *first_;
    }

  private:
    std::optional<Error> first_;
};

UniqueFd table_of(const state::OutgoingFds& fds) {
    return make_sealed_memfd("cpr-table", fds.serialize(), N_("the descriptor table"));
}

std::vector<char*> pointers(std::vector<std::string>& arguments) {
    std::vector<char*> list;
    for (std::string& argument : arguments)
        list.push_back(argument.data());
    list.push_back(nullptr);
    return list;
}

}  // namespace

Checkpoint::Checkpoint(CheckpointSubject& subject, Blockers& blockers,
                       std::optional<state::IncomingFds> incoming)
    : subject_(subject),
      blockers_(blockers),
      incoming_(std::move(incoming)),
      phase_(incoming_ ? Phase::kIncoming : Phase::kNone) {}

state::SectionInfo Checkpoint::section() {
    return state::section_info<CheckpointState>(kSectionId);
}

bool Checkpoint::take_section(state::StreamReader& state) {
    return state.take<CheckpointState>(kSectionId).was_running;
}

bool Checkpoint::was_running() const {
    return phase_ == Phase::kNone ? subject_.running() : was_running_;
}

Checkpoint::Outlook Checkpoint::outlook() const {
    Outlook outlook{.blockers = blockers_.all()};
    if (phase_ != Phase::kNone)
        return outlook;
    state::OutgoingFds fds;
    {
        const auto lock = subject_.lock_devices();
        for (const CheckpointParticipant* participant : subject_.participants())
            participant->find_blockers(outlook.blockers);
        fds = subject_fds();
    }
    outlook.descriptors = fds.size() + kOwnDescriptors;
    find_shortages(outlook.descriptors, outlook.blockers);
    return outlook;
}

Checkpoint::SaveResult Checkpoint::save(std::chrono::milliseconds limit) {
    if (phase_ != Phase::kNone)
        throw Error(ErrorCode::kInvalidState, "cannot save in state '{}'", to_string(phase_));
    if (const auto blockers = outlook().blockers; !blockers.empty())
        throw blocked(blockers);
    SaveResult result{};
    result.begin_ns = monotonic_ns();
    result.was_running = was_running_ = subject_.running();
    const auto participants = subject_.participants();
    ScopeExit undo([&] {
        try {
            undo_save(participants);
        } catch (const Error&) {
            // Logged; the error that made the save fail is the one to tell.
        }
    });

    subject_.pause_vcpus();
    result.vcpus_stopped_ns = was_running_ ? subject_.first_stopped_ns() : monotonic_ns();
    for (CheckpointParticipant* participant : participants)
        participant->detach_interrupts();
    result.interrupts_detached_ns = monotonic_ns();

    const state::StreamWriter writer = write_state(was_running_);
    const std::vector<uint8_t> stream = writer.finish();
    // Sealed: a new VMM that fails must leave it as good as it got it.
    state_ = make_sealed_memfd("cpr-state", stream, N_("the state"));
    gate_fd_ = state::EntryGate::create();
    gate_.emplace(gate_fd_.get());
    result.state_bytes = stream.size();
    result.sections = writer.sections();
    result.state_written_ns = monotonic_ns();

    // Every container is asked before any is touched.
    for (CheckpointParticipant* participant : participants)
        participant->check_vaddrs();
    for (CheckpointParticipant* participant : participants)
        participant->invalidate_vaddrs();
    result.vaddrs_invalidated_ns = monotonic_ns();
    if ((result.vaddrs_invalidated_ns - result.begin_ns) / 1'000'000 > limit.count())
        throw Error(ErrorCode::kTimeout, "the save took longer than {} ms", limit.count());

    undo.dismiss();
    phase_ = Phase::kSaved;
    return result;
}

state::StreamWriter Checkpoint::write_state(bool was_running) const {
    state::StreamWriter writer;
    writer.add(kSectionId, CheckpointState{was_running});
    subject_.save(writer);
    return writer;
}

// Interrupts stay attached: a copy that is never run cannot lose one.
Checkpoint::CopyResult Checkpoint::copy() const {
    if (phase_ != Phase::kNone)
        throw Error(ErrorCode::kInvalidState, "cannot copy the state in state '{}'",
                    to_string(phase_));
    const bool was_running = subject_.running();
    state::StreamWriter writer;
    int64_t pause_ns = 0;
    if (was_running) {
        subject_.pause_vcpus();
        try {
            writer = write_state(true);
        } catch (...) {
            subject_.resume_vcpus();
            throw;
        }
        subject_.resume_vcpus();
        pause_ns = monotonic_ns() - subject_.first_stopped_ns();
    } else {
        writer = write_state(false);
    }
    const std::vector<uint8_t> stream = writer.finish();
    return {make_sealed_memfd("cpr-state-copy", stream, N_("the copy of the state")),
            table_of(subject_fds()), stream.size(), pause_ns};
}

void Checkpoint::undo_save(const std::vector<CheckpointParticipant*>& participants) {
    Undo undo;
    for (auto it = participants.rbegin(); it != participants.rend(); ++it)
        undo([&] { (*it)->restore_vaddrs(); });
    for (auto it = participants.rbegin(); it != participants.rend(); ++it)
        undo([&] { (*it)->attach_interrupts(); });
    if (was_running_)
        undo([&] {
            // Whoever keeps the saved guest must not bring it back once it has run on here.
            if (gate_ && !gate_->enter())
                throw given_up();
            subject_.resume_vcpus();
        });
    state_.reset();
    gate_.reset();
    gate_fd_.reset();
    undo.rethrow();
}

void Checkpoint::cancel() {
    if (phase_ != Phase::kSaved)
        throw Error(ErrorCode::kInvalidState, "cannot cancel in state '{}'", to_string(phase_));
    // An exec that failed may have found none for them.
    subject_.set_vcpu_threads(true);
    phase_ = Phase::kNone;
    undo_save(subject_.participants());
}

state::OutgoingFds Checkpoint::subject_fds() const {
    state::OutgoingFds fds;
    subject_.keep(fds);
    for (const CheckpointParticipant* participant : subject_.participants())
        participant->keep(fds);
    return fds;
}

state::OutgoingFds Checkpoint::outgoing() const {
    if (incoming_) {
        state::OutgoingFds fds;
        incoming_->keep(fds);
        return fds;
    }
    state::OutgoingFds fds = subject_fds();
    fds.add("state", 0, state_.get());
    fds.add(state::kEntryGateFd, 0, gate_fd_.get());
    return fds;
}

nlohmann::json Checkpoint::share(size_t first, size_t count,
                                 std::vector<UniqueFd>& duplicates) const {
    if (phase_ != Phase::kSaved)
        throw Error(ErrorCode::kInvalidState, "nothing is kept in state '{}'", to_string(phase_));
    return outgoing().share(first, count, duplicates);
}

void Checkpoint::enter_guest() {
    if (phase_ != Phase::kLoaded)
        return;
    if (!gate_->enter())
        throw given_up();
    finish();
}

void Checkpoint::finish() {
    gate_.reset();
    incoming_.reset();
    if (phase_ == Phase::kLoaded)
        phase_ = Phase::kNone;
}

void Checkpoint::exec(int binary_fd, std::vector<std::string> arguments) {
    if (phase_ == Phase::kNone)
        throw Error(ErrorCode::kInvalidState, "cannot exec before a save");
    const state::OutgoingFds fds = outgoing();
    const UniqueFd table = table_of(fds);
    arguments.push_back("-cpr");
    arguments.push_back(fmt::format("fd={}", table.get()));
    const std::vector<char*> argv = pointers(arguments);
    subject_.flush();

    ScopeExit close_again([&] {
        fds.set_inheritable(false);
        set_cloexec(table.get(), true);
    });
    fds.set_inheritable(true);
    set_cloexec(table.get(), false);
    // Whoever decides about this call must be able to rely on what it has read of it.
    subject_.set_vcpu_threads(false);
    execveat(binary_fd, "", argv.data(), environ, AT_EMPTY_PATH);
    const int error = errno;
    subject_.set_vcpu_threads(true);
    throw Error(ErrorCode::kExecFailed, "cannot execute the new binary '{}': {}", arguments[0],
                errno_text(error));
}

Checkpoint::LoadResult Checkpoint::load() {
    if (phase_ != Phase::kIncoming)
        throw Error(ErrorCode::kInvalidState, "cannot load in state '{}'", to_string(phase_));
    LoadResult result{};
    result.begin_ns = monotonic_ns();
    ScopeExit undo([&] {
        subject_.discard();
        gate_.reset();
        incoming_->reset();
    });
    const UniqueFd state = incoming_->take("state");
    gate_.emplace(incoming_->take(state::kEntryGateFd).get());
    Restored restored{
        state::StreamReader(read_all(state.get(), state::kMaxStream, N_("the state"))), *incoming_};
    result = load_from(restored, result);
    undo.dismiss();
    for (const std::string& name : incoming_->leftovers())
        log::warning("nobody took the descriptor {} of the old binary: closed", name);
    phase_ = Phase::kLoaded;
    return result;
}

Checkpoint::LoadResult Checkpoint::load_from(Restored& restored, LoadResult result) {
    result.was_running = was_running_ = take_section(restored.state);
    result.state_checked_ns = monotonic_ns();

    subject_.build(restored);
    restored.state.finish();
    result.devices_built_ns = monotonic_ns();
    const auto participants = subject_.participants();
    for (CheckpointParticipant* participant : participants)
        participant->claim_vaddrs();
    result.vaddrs_claimed_ns = monotonic_ns();
    for (CheckpointParticipant* participant : participants)
        participant->attach_interrupts();
    result.interrupts_attached_ns = monotonic_ns();
    return result;
}

std::string_view to_string(Checkpoint::Phase phase) {
    switch (phase) {
        case Checkpoint::Phase::kNone:
            return "none";
        case Checkpoint::Phase::kSaved:
            return "saved";
        case Checkpoint::Phase::kIncoming:
            return "incoming";
        case Checkpoint::Phase::kLoaded:
            return "loaded";
    }
    return "none";
}

}  // namespace cpr::vmm
