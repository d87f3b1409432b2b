// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/transfer_steps.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "controller/loop_call.h"
#include "controller/qemu/guest.h"
#include "controller/qemu/queue_checks.h"

namespace cpr::controller::qemu {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kLook = 5ms;
// In which QEMU can hand a guest over, and go on with it if that fails.
constexpr std::array<std::string_view, 3> kRunStates{"running", "paused", "prelaunch"};

}  // namespace

TransferSteps::TransferSteps(UpdateHost& host, RunningVmm vmm, JobRecord& record)
    : UpdateSteps(host, std::move(vmm), record) {
    call_on_loop(host_.loop, [this] { guest().watch(watch_); });
}

TransferSteps::~TransferSteps() {
    target_.reset();
    call_on_loop(host_.loop, [this] { guest().watch(nullptr); });
}

void TransferSteps::validate() {
    begin_validation(UpdateMode::kTransfer);
    record_.old_binary.version =
        call_on_loop(host_.loop, [this] { return guest().version().text(); });
    find_blockers();
    check_next_binary();
    refuse_blockers();
    check_run_state();
}

void TransferSteps::find_blockers() {
    std::vector<Blocker> found = call_on_loop(host_.loop, [this] { return guest().blockers(); });
    // A command line that cannot be read has nothing to compare.
    const bool readable = std::ranges::none_of(
        found, [](const Blocker& blocker) { return blocker.id == kCommandLineBlocker; });
    if (readable) {
        const auto ask = [this](const char* command, const json& arguments) {
            return host_.vmm.call(command, arguments, host_.deadlines.query);
        };
        const LiveAnswers live{ask("qom-list", {{"path", "/machine/peripheral"}}),
                               ask("query-named-block-nodes", {{"flat", true}}),
                               ask("query-block", json::object())};
        for (Blocker& blocker : call_on_loop(host_.loop, [&] { return guest().compare(live); }))
            found.push_back(std::move(blocker));
    }
    record_.blockers = json::array();
    for (const Blocker& blocker : found)
        record_.blockers.push_back(to_json(blocker));
    find_thread_tuning();
}

void TransferSteps::check_next_binary() {
    next_ = std::make_shared<const Binary>(open_binary(record_.new_binary.path));
    const RunLimits limits{within(host_.deadlines.info)};
    const auto version = version_of(*next_, limits);
    if (!version)
        throw Error(ErrorCode::kBinaryForeign,
                    "'{}' is no QEMU, by its answer to --version: the guest runs on QEMU",
                    next_->path);
    next_version_ = *version;
    record_.new_binary.version = version->text();
    if (*version < kFirstTransfer)
        throw Error(ErrorCode::kBinaryIncompatible,
                    "QEMU {} cannot take a guest over: that takes {}", version->text(),
                    kFirstTransfer.text());
    const std::string machine = call_on_loop(host_.loop, [this] { return guest().machine_type(); });
    const RunResult help = run_program(next_->fd.get(), {next_->path, "-machine", "help"}, limits);
    if (!has_machine(help.output, machine))
        throw Error(ErrorCode::kBinaryIncompatible, "QEMU {} has no machine type '{}'",
                    version->text(), machine);
}

void TransferSteps::check_run_state() {
    const json status = host_.vmm.call("query-status", json::object(), host_.deadlines.query);
    const std::string state = status.value("status", "");
    if (std::ranges::find(kRunStates, state) == kRunStates.end())
        throw Error(ErrorCode::kInvalidState, "the guest cannot be updated in the state '{}'",
                    state);
}

std::string TransferSteps::channel_path() const {
    return host_.folder + "/cpr";
}

std::string TransferSteps::main_path() const {
    return host_.folder + "/main";
}

// From here on the guest's configuration must not change any more.
void TransferSteps::prepare() {
    host_.begin_switch();
    const json status = host_.vmm.call("query-status", json::object(), host_.deadlines.query);
    host_.set_switch_status(status);
    was_running_ = status.value("running", false);
    wait_for_commands();
    find_blockers();
    refuse_blockers();
    source_.emplace(host_.vmm, host_.deadlines.query);
    target_ = std::make_unique<Target>(host_.loop, guest(), *next_, limits_of(vmm_.process->pid),
                                       channel_path());
    target_->wait_until_listening(within(host_.deadlines.start));
    connect();
    check_queues();
    note_threads();
    place_threads(target_->calls(), *target_->process());
}

void TransferSteps::wait_for_commands() {
    const auto end = std::chrono::steady_clock::now() + host_.deadlines.query;
    while (call_on_loop(host_.loop, [this] { return guest().has_command_under_way(); }) &&
           std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(kLook);
}

// The new QEMU gets the guest's descriptors, and builds itself around them. The guest runs.
void TransferSteps::connect() {
    source_->begin(channel_path(), main_path());
    target_->greet(within(host_.deadlines.start));
    set_transfer_capabilities(target_->calls(), host_.deadlines.query);
    for (const auto& [name, fd] :
         call_on_loop(host_.loop, [this] { return guest().named_descriptors(); }))
        target_->calls().call("getfd", {{"fdname", name}}, host_.deadlines.query, fd);
}

void TransferSteps::check_queues() {
    const auto asker = [this](VmmCalls& calls) {
        return [this, &calls](const char* command, const json& arguments) {
            return calls.call(command, arguments, within(host_.deadlines.query));
        };
    };
    const Ask present = asker(host_.vmm);
    check_queue_sizes(present("qom-list", {{"path", "/machine/peripheral"}}), present,
                      asker(target_->calls()));
}

void TransferSteps::undo_prepare() {
    if (!source_)
        return;
    if (target_ && target_->end(host_.deadlines.kill))
        let_crash();
    call_on_loop(host_.loop, [this] { guest().give_chardevs_back(); });
    source_->take_back(was_running_, host_.deadlines.load);
    const RunWatch::Seen seen = watch_->seen();
    record_.pause.stopped = was_running_ ? seen.stopped_ns : 0;
    record_.pause.running = seen.resumed_ns > seen.stopped_ns ? seen.resumed_ns : 0;
}

// The guest has run on a QEMU that is no more. What the old one has of it is stale, and nobody may
// resume it: for libvirt, the domain has crashed.
void TransferSteps::let_crash() {
    kill_process(*vmm_.process, host_.deadlines.kill);
    throw Error(ErrorCode::kInvalidState, "the guest has run on the new QEMU, which has ended");
}

void TransferSteps::save() {
    begin_stop();
    call_on_loop(host_.loop, [this] { guest().hold_chardevs(); });
    // What it sets from now on is what the guest has.
    target_->open_taps();
    target_->calls().call("migrate-incoming",
                          {{"channels", {migration_channel("main", main_path())}}},
                          within(host_.deadlines.save));
    const auto seen = watch_->wait(
        N_("the guest's stop"),
        [this](const RunWatch::Seen& now) {
            return is_over(now.migration) || (was_running_ && now.stopped_ns != 0) ||
                   now.migration == "active" || now.migration == "device";
        },
        within(host_.deadlines.save));
    record_.pause.stopped = was_running_ ? seen.stopped_ns : 0;
    record_.pause.saved = was_running_ ? monotonic_ns() : 0;
    expect_pause_so_far();
}

// A guest that has not stopped yet is not paused.
void TransferSteps::expect_pause_so_far() const {
    const int64_t stopped = watch_->seen().stopped_ns;
    if (was_running_ && stopped != 0)
        expect_pause(monotonic_ns() - stopped);
}

// The old QEMU lets go when the new one has told that it has everything.
void TransferSteps::exec() {
    const auto seen = watch_->wait(
        N_("the end of the hand-over"),
        [](const RunWatch::Seen& now) { return is_over(now.migration); },
        within(host_.deadlines.load),
        [this] {
            check_wanted();
            expect_pause_so_far();
        });
    record_.pause.stopped = was_running_ ? seen.stopped_ns : 0;
    record_.pause.executed = was_running_ ? monotonic_ns() : 0;
    if (seen.migration != "completed") {
        const json why = host_.vmm.call("query-migrate", json::object(), host_.deadlines.query);
        throw Error(ErrorCode::kExecFailed, "the new QEMU cannot take the guest over: {}",
                    why.value("error-desc", seen.migration));
    }
}

void TransferSteps::load() {
    target_->watch().wait(
        N_("the end of the load"), [](const RunWatch::Seen& now) { return is_over(now.migration); },
        within(host_.deadlines.load), [this] { check_wanted(); });
    if (const std::string status = target_->watch().seen().migration; status != "completed")
        throw Error(ErrorCode::kExecFailed, "the new QEMU has not loaded the guest ({})", status);
    give_settings();
    record_.pause.loaded = was_running_ ? monotonic_ns() : 0;
}

// What no command line has.
void TransferSteps::give_settings() {
    for (const json& command : call_on_loop(host_.loop, [this] { return guest().replays(); }))
        target_->calls().call(command.at("execute").get<std::string>(),
                              command.value("arguments", json::object()),
                              within(host_.deadlines.query));
}

void TransferSteps::resume() {
    if (!was_running_)
        return;
    target_->calls().call("cont", json::object(), within(host_.deadlines.resume));
    wait_for_entry();
    resumed_ = true;
    record_.pause.running = target_->watch().seen().resumed_ns;
}

void TransferSteps::wait_for_entry() {
    target_->watch().wait(
        N_("the guest's entry"), [](const RunWatch::Seen& now) { return now.resumed_ns != 0; },
        within(host_.deadlines.resume));
}

// Though its guest has gone, the old QEMU would take a packet out of each tap device now and then,
// and let it fall.
void TransferSteps::release_taps() {
    for (const std::string& id : call_on_loop(host_.loop, [this] { return guest().taps(); })) {
        try {
            host_.vmm.call("netdev_del", {{"id", id}}, host_.deadlines.query);
        } catch (const Error& error) {
            log::warning("the QEMU that the guest has left keeps '{}' open: {}", id,
                         error.message());
        }
    }
}

// libvirt's process stays, an empty shell under the number that libvirt knows; others end.
void TransferSteps::finish() {
    resumed_ = true;
    release_taps();
    const auto old = vmm_.process;
    call_on_loop(host_.loop,
                 [this] { guest().taken_over(next_version_, target_->take_tap_guard()); });
    target_->hand_to(host_.link);
    vmm_.process = target_->process();
    vmm_.binary = next_;
    host_.adopt(vmm_.process);
    ++record_.generation;
    if (old->pid == record_.domain_pid)
        return;
    try {
        kill_process(*old, host_.deadlines.kill);
    } catch (const Error& error) {
        log::error("the QEMU that the guest has left: {}", error.message());
    }
}

}  // namespace cpr::controller::qemu
