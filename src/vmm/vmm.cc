// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vmm.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/io.h"
#include "base/log.h"
#include "vmm/chardev/factory.h"
#include "vmm/monitor/commands.h"
#include "vmm/monitor/shapes.h"
#include "vmm/signals.h"

namespace cpr::vmm {
namespace {

constexpr int kFlushMilliseconds = 1000;

std::optional<state::IncomingFds> incoming_fds(const MachineConfig& config) {
    if (!config.cpr_fd)
        return std::nullopt;
    const UniqueFd table(*config.cpr_fd);
    set_cloexec(table.get(), true);
    return state::IncomingFds(
        read_all(table.get(), state::kMaxFdTable, N_("the descriptor table (-cpr)")));
}

}  // namespace

Vmm::Vmm(CommandLine line, std::string version, Confinement confinement)
    : line_(std::move(line)),
      version_(std::move(version)),
      actions_{line_.machine.no_reboot, line_.machine.no_shutdown},
      checkpoint_(std::make_unique<Checkpoint>(*this, blockers_, incoming_fds(line_.machine))),
      commands_({"probe", "incoming", "guest", "saved", "loaded"}, [this] { return state(); }),
      signals_(open_signals()) {
    add_commands(commands_, *this);
    signal_watch_ = loop_.watch_fd(signals_.get(), G_IO_IN, [this](GIOCondition) {
        log::info("ending on signal {}", read_signal(signals_.get()));
        end(ShutdownCause::kHostSignal);
        return true;
    });
    note_exec_right(confinement.exec);
    open_monitors(std::move(confinement.listener));
    if (state() == kGuest)
        build_guest(nullptr);
}

Vmm::~Vmm() = default;

void Vmm::note_exec_right(ExecRight right) {
    if (right == ExecRight::kDenied)
        exec_denied_ = blockers_.add(
            {"sandbox-denies-exec",
             N_("the sandbox (-sandbox spawn=deny) denies the execution of the new binary, and no "
                "controller can allow it"),
             N_("start the domain with virt-cpr-emulator as its <emulator>, under no other seccomp "
                "listener, or with seccomp_sandbox = 0 in qemu.conf")});
}

// The listener goes to whoever controls this program, and does not stay here: who faces the guest
// must not decide.
void Vmm::open_monitors(UniqueFd exec_listener) {
    state::IncomingFds* incoming = line_.machine.cpr_fd ? &checkpoint_->incoming() : nullptr;
    for (const MonitorConfig& monitor : line_.machine.monitors) {
        const ChardevConfig& chardev = monitor_chardev(line_.machine, monitor);
        monitors_.push_back(std::make_unique<Monitor>(
            monitor, chardev,
            Monitor::Context{loop_, commands_, version_,
                             [this] {
                                 log::warning("ending: the monitor's peer is gone");
                                 loop_.quit();
                             },
                             chardev.server ? UniqueFd() : std::move(exec_listener)},
            incoming));
    }
}

void Vmm::build_guest(Restored* restored) {
    if (restored)
        fd_sets_.restore(*restored);
    else
        fd_sets_.take(line_.machine.passed_fds);
    chardevs_ = build_chardevs(line_.machine, loop_, fd_sets_, restored);
    machine_ = std::make_unique<Machine>(line_.machine, loop_, blockers_, chardevs_, restored);
    for (const auto& [id, chardev] : chardevs_)
        chardev->set_lock(&machine_->lock());
    machine_->set_events(machine_events());
    if (restored)
        set_actions(restored->state.take<GuestActions>(GuestActions::kSection));
    if (!restored && !line_.machine.start_paused)
        machine_->start();
}

MachineEvents Vmm::machine_events() {
    const auto reason = [](ShutdownCause cause) {
        return nlohmann::json{{"guest", is_guest_caused(cause)}, {"reason", to_string(cause)}};
    };
    return {[this] { checkpoint_->enter_guest(); },
            [this] { emit("STOP"); },
            [this] { emit("RESUME"); },
            [this] {
                emit("GUEST_PANICKED", {{"action", actions_.no_shutdown ? "pause" : "poweroff"}});
            },
            [this, reason](ShutdownCause cause) { emit("RESET", reason(cause)); },
            [this, reason](ShutdownCause cause) {
                emit("SHUTDOWN", reason(cause));
                if (!actions_.no_shutdown)
                    loop_.quit();
            }};
}

void Vmm::run() {
    loop_.run();
    for (const auto& monitor : monitors_) {
        try {
            monitor->flush(kFlushMilliseconds);
        } catch (const Error& error) {
            log::debug("at the end: {}", error.message());
        }
    }
}

void Vmm::end(ShutdownCause cause) {
    emit("SHUTDOWN", {{"guest", is_guest_caused(cause)}, {"reason", to_string(cause)}});
    loop_.quit();
}

Vmm::State Vmm::state() const {
    if (line_.action == CommandLine::Action::kProbe)
        return kProbe;
    switch (checkpoint_->phase()) {
        case Checkpoint::Phase::kIncoming:
            return kIncoming;
        case Checkpoint::Phase::kSaved:
            return kSaved;
        case Checkpoint::Phase::kLoaded:
            return kLoaded;
        case Checkpoint::Phase::kNone:
            break;
    }
    return kGuest;
}

Machine& Vmm::machine() {
    if (!machine_)
        throw Error(ErrorCode::kInvalidState, "there is no guest");
    return *machine_;
}

std::string_view Vmm::status() const {
    switch (state()) {
        case kProbe:
            return to_string(RunState::kPrelaunch);
        case kIncoming:
            return to_string(RunState::kInMigrate);
        case kSaved:
            return "postmigrate";
        case kGuest:
        case kLoaded:
            break;
    }
    return machine_ ? to_string(machine_->run_state()) : to_string(RunState::kPrelaunch);
}

std::optional<RunTimes> Vmm::run_times() const {
    return machine_ ? std::optional(machine_->run_times()) : std::nullopt;
}

void Vmm::resume() {
    if (machine().run_state() == RunState::kShutdown)
        throw Error(ErrorCode::kInvalidState, "Resetting the Virtual Machine is required");
    hold_chardevs(false);
    machine().start();
}

void Vmm::set_actions(const GuestActions& actions) {
    machine().set_actions(actions.no_reboot, actions.no_shutdown);
    actions_ = actions;
}

std::vector<state::SectionInfo> Vmm::sections() const {
    std::vector<state::SectionInfo> sections = vmm_sections();
    if (machine_)
        std::ranges::copy(machine_->sections(), std::back_inserter(sections));
    return sections;
}

void Vmm::emit(std::string_view event, const nlohmann::json& data) {
    const nlohmann::json message = event_shape(event, data);
    for (const auto& monitor : monitors_)
        monitor->send_event(message);
}

void Vmm::emit(std::string_view event) {
    emit(event, nlohmann::json::object());
}

void Vmm::hold_chardevs(bool held) {
    for (const auto& [id, chardev] : chardevs_)
        chardev->set_held(held);
}

bool Vmm::running() const {
    return machine_ && machine_->run_state() == RunState::kRunning;
}

void Vmm::pause_vcpus() {
    machine().pause_vcpus();
    hold_chardevs(true);
}

void Vmm::resume_vcpus() {
    hold_chardevs(false);
    machine().resume_vcpus();
}

void Vmm::set_vcpu_threads(bool there) {
    if (machine_)
        machine_->set_vcpu_threads(there);
}

std::unique_lock<std::mutex> Vmm::lock_devices() {
    return machine_ ? std::unique_lock(machine_->lock()) : std::unique_lock<std::mutex>();
}

int64_t Vmm::first_stopped_ns() const {
    return machine_->run_times().first_stopped_ns;
}

std::vector<CheckpointParticipant*> Vmm::participants() {
    std::vector<CheckpointParticipant*> all;
    for (const auto& monitor : monitors_)
        all.push_back(monitor.get());
    for (const auto& [id, chardev] : chardevs_)
        all.push_back(chardev.get());
    all.push_back(&fd_sets_);
    if (machine_)
        std::ranges::copy(machine_->participants(), std::back_inserter(all));
    return all;
}

void Vmm::save(state::StreamWriter& writer) const {
    writer.add(GuestActions::kSection, actions_);
    fd_sets_.save(writer);
    save_chardevs(chardevs_, writer);
    machine_->save(writer);
}

void Vmm::keep(state::OutgoingFds& fds) const {
    if (machine_)
        machine_->keep(fds);
}

// What is on its way to the users of character devices is a part of the state.
void Vmm::flush() {
    for (const auto& monitor : monitors_)
        monitor->flush(kFlushMilliseconds);
}

void Vmm::build(Restored& restored) {
    build_guest(&restored);
}

void Vmm::discard() {
    machine_.reset();
    chardevs_.clear();
    fd_sets_ = FdSets();
}

std::vector<state::SectionInfo> vmm_sections() {
    return {Checkpoint::section(), state::section_info<GuestActions>(GuestActions::kSection),
            state::section_info<FdSets::State>(FdSets::kSection), chardevs_section()};
}

}  // namespace cpr::vmm
