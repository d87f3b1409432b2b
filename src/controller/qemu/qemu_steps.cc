// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/qemu_steps.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/error.h"
#include "controller/loop_call.h"

namespace cpr::controller::qemu {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kLook = 5ms;
// In which QEMU can hand a guest over, and go on with it if that fails.
constexpr std::array<std::string_view, 3> kRunStates{"running", "paused", "prelaunch"};

}  // namespace

QemuSteps::QemuSteps(UpdateHost& host, RunningVmm vmm, JobRecord& record)
    : UpdateSteps(host, std::move(vmm), record) {
    call_on_loop(host_.loop, [this] { guest().watch(watch_); });
}

QemuSteps::~QemuSteps() {
    call_on_loop(host_.loop, [this] { guest().watch(nullptr); });
}

void QemuSteps::validate_guest(UpdateMode mode, const Version& needed) {
    begin_validation(mode);
    record_.old_binary.version =
        call_on_loop(host_.loop, [this] { return guest().version().text(); });
    find_blockers();
    check_next_binary(needed);
    refuse_blockers();
    check_run_state();
}

void QemuSteps::find_blockers() {
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
        add_blocker(blocker);
    if (readable)
        add_blockers();
    find_thread_tuning();
}

void QemuSteps::check_next_binary(const Version& needed) {
    next_ = std::make_shared<const Binary>(open_binary(record_.new_binary.path));
    const RunLimits limits{within(host_.deadlines.info)};
    const auto version = version_of(*next_, limits);
    if (!version)
        throw Error(ErrorCode::kBinaryForeign,
                    "'{}' is no QEMU, by its answer to --version: the guest runs on QEMU",
                    next_->path);
    next_version_ = *version;
    record_.new_binary.version = version->text();
    if (*version < needed)
        throw Error(ErrorCode::kBinaryIncompatible,
                    "QEMU {} cannot take a guest over in mode {}: that takes {}", version->text(),
                    to_string(record_.mode), needed.text());
    const std::string machine = call_on_loop(host_.loop, [this] { return guest().machine_type(); });
    const RunResult help = run_program(next_->fd.get(), {next_->path, "-machine", "help"}, limits);
    if (!has_machine(help.output, machine))
        throw Error(ErrorCode::kBinaryIncompatible, "QEMU {} has no machine type '{}'",
                    version->text(), machine);
}

void QemuSteps::check_run_state() {
    const json status = host_.vmm.call("query-status", json::object(), host_.deadlines.query);
    const std::string state = status.value("status", "");
    if (std::ranges::find(kRunStates, state) == kRunStates.end())
        throw Error(ErrorCode::kInvalidState, "the guest cannot be updated in the state '{}'",
                    state);
}

void QemuSteps::begin_preparation() {
    host_.begin_switch();
    const json status = host_.vmm.call("query-status", json::object(), host_.deadlines.query);
    host_.set_switch_status(status);
    was_running_ = status.value("running", false);
    wait_for_commands();
    find_blockers();
    refuse_blockers();
}

void QemuSteps::wait_for_commands() {
    const auto end = std::chrono::steady_clock::now() + host_.deadlines.query;
    while (call_on_loop(host_.loop, [this] { return guest().has_command_under_way(); }) &&
           std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(kLook);
}

void QemuSteps::give_named_descriptors(VmmCalls& calls) {
    for (const auto& [name, fd] :
         call_on_loop(host_.loop, [this] { return guest().named_descriptors(); }))
        calls.call("getfd", {{"fdname", name}}, host_.deadlines.query, fd);
}

QemuSteps::Settings QemuSteps::settings_beside(
    const std::function<bool(const json& command)>& is_set) {
    Settings settings = call_on_loop(host_.loop, [this] { return guest().replays(); });
    std::erase_if(settings, is_set);
    return settings;
}

void QemuSteps::give_settings(VmmCalls& calls, std::chrono::milliseconds deadline,
                              const Settings& settings) {
    for (const json& command : settings)
        calls.call(command.at("execute").get<std::string>(),
                   command.value("arguments", json::object()), deadline);
}

void QemuSteps::let_crash(const VmmProcess& process) {
    kill_process(process, host_.deadlines.kill);
    throw Error(ErrorCode::kInvalidState, "the guest has run on the new QEMU, which has ended");
}

}  // namespace cpr::controller::qemu
