// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/update_steps.h"

#include <algorithm>
#include <utility>

#include "base/blocker.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "base/text_json.h"
#include "controller/cpr_vmm_steps.h"
#include "controller/qemu/exec_steps.h"
#include "controller/thread_tuning.h"

namespace cpr::controller {
namespace {

std::chrono::milliseconds since(int64_t begin_ns) {
    return std::chrono::milliseconds((monotonic_ns() - begin_ns) / 1'000'000);
}

}  // namespace

UpdateSteps::UpdateSteps(UpdateHost& host, RunningVmm vmm, JobRecord& record)
    : host_(host), vmm_(std::move(vmm)), record_(record), begin_ns_(monotonic_ns()) {}

std::vector<Step> UpdateSteps::list() {
    std::vector<Step> steps{{"validate", [this] { validate(); }, {}}};
    if (!record_.check)
        add_changes(steps);
    for (Step& step : steps)
        step.apply = [this, apply = std::move(step.apply)] { in_time(apply); };
    return steps;
}

void UpdateSteps::add_changes(std::vector<Step>& steps) {
    steps.push_back({"prepare", [this] { prepare(); }, [this] { undo_prepare(); }});
    steps.push_back({"save", [this] { save(); }, [this] { undo_save(); }});
    steps.push_back({"exec", [this] { exec(); }, [this] { undo_exec(); }});
    steps.push_back({"load", [this] { load(); }, {}});
    steps.push_back({"resume", [this] { resume(); }, {}});
    steps.push_back({"finish", [this] { finish(); }, {}});
}

// The deadline of a step may have been what was left of a longer one: that is the reason then.
void UpdateSteps::in_time(const std::function<void()>& apply) const {
    try {
        apply();
    } catch (const Error& error) {
        // A binary that does not answer in time is taken for one that is no good.
        if (error.code() == ErrorCode::kTimeout || error.code() == ErrorCode::kBinaryForeign ||
            error.code() == ErrorCode::kRehearsalFailed)
            check_time();
        throw;
    }
}

void UpdateSteps::begin_validation(UpdateMode mode) {
    if (record_.mode != UpdateMode::kAuto && record_.mode != mode)
        throw Error(ErrorCode::kUnsupported, "'{}' cannot be updated in mode {}; its mode is {}",
                    vmm_.binary->path, to_string(record_.mode), to_string(mode));
    record_.mode = mode;
    record_.old_binary.path = vmm_.binary->path;
    host_.deadlines = host_.configured_deadlines();
    if (record_.new_binary.path.empty())
        record_.new_binary.path = host_.configured_binary();
}

void UpdateSteps::refuse_blockers() const {
    std::vector<Text> reasons;
    for (const nlohmann::json& blocker : record_.blockers)
        reasons.push_back(text_in(blocker, "reason"));
    if (!reasons.empty())
        throw Error(ErrorCode::kBlocked, "the guest cannot be updated: {}",
                    Text::joined(reasons, "; "));
}

void UpdateSteps::expect_pause(int64_t pause_ns) const {
    constexpr double kNsPerMs = 1e6;
    if (record_.max_pause && std::chrono::nanoseconds(pause_ns) > *record_.max_pause)
        throw Error(ErrorCode::kPauseTooLong,
                    "the guest would be paused for {:.1f} ms or more, and may be for {} ms",
                    static_cast<double>(pause_ns) / kNsPerMs, record_.max_pause->count());
}

VmmThreads UpdateSteps::threads_of(VmmCalls& calls, const VmmProcess& process,
                                   std::chrono::milliseconds deadline) const {
    return vmm_threads(calls, static_cast<pid_t>(process.pid), deadline);
}

void UpdateSteps::note_threads() {
    affinity_ = ThreadAffinity(threads_of(host_.vmm, *vmm_.process, host_.deadlines.query));
}

void UpdateSteps::find_thread_tuning() {
    if (record_.place_threads)
        return;
    const auto tuning = thread_tuning(static_cast<pid_t>(vmm_.process->pid),
                                      threads_of(host_.vmm, *vmm_.process, host_.deadlines.query));
    if (tuning)
        record_.blockers.push_back(
            to_json(Blocker{"thread-tuning",
                            Text("libvirt has set {} which the next VMM's threads would not "
                                 "have: only root can give it to them",
                                 *tuning),
                            N_("update as root on the domain's host, by a local connection")}));
}

void UpdateSteps::place_threads(VmmCalls& calls, const VmmProcess& process) const {
    place_threads(calls, process, within(host_.deadlines.query));
}

void UpdateSteps::place_threads(VmmCalls& calls, const VmmProcess& process,
                                std::chrono::milliseconds deadline) const {
    try {
        affinity_.apply_to(threads_of(calls, process, deadline));
    } catch (const Error& error) {
        if (!record_.place_threads)
            throw;
        log::info("left to whoever places the threads: {}", error.message());
    }
}

void UpdateSteps::begin_stop() {
    stop_begin_ns_ = monotonic_ns();
}

// The end of the whole update, or of the guest's stop, may come before that of a step.
std::chrono::milliseconds UpdateSteps::within(std::chrono::milliseconds deadline) const {
    if (record_.timeout)
        deadline = std::min(deadline, *record_.timeout - since(begin_ns_));
    if (stop_begin_ns_ != 0)
        deadline = std::min(deadline, host_.deadlines.longest_stop - since(stop_begin_ns_));
    return std::max(deadline, std::chrono::milliseconds(1));
}

void UpdateSteps::check_wanted() {
    try {
        expect_wanted();
    } catch (const Error&) {
        if (turn_back())
            throw;
    }
}

void UpdateSteps::expect_wanted() const {
    if (resumed_)
        return;
    if (host_.cancelled())
        throw cancelled_update();
    check_time();
}

void UpdateSteps::check_time() const {
    if (record_.timeout && since(begin_ns_) >= *record_.timeout)
        throw Error(ErrorCode::kTimeout, "the update took longer than {} ms",
                    record_.timeout->count());
    if (stop_begin_ns_ != 0 && since(stop_begin_ns_) >= host_.deadlines.longest_stop)
        throw Error(ErrorCode::kTimeout,
                    "the guest was kept from running for longer than {} ms (longest-stop)",
                    host_.deadlines.longest_stop.count());
}

std::unique_ptr<UpdateSteps> make_update_steps(UpdateHost& host, RunningVmm vmm,
                                               JobRecord& record) {
    if (vmm.qemu)
        return qemu::make_qemu_steps(host, std::move(vmm), record);
    return std::make_unique<CprVmmSteps>(host, std::move(vmm), record);
}

Error cancelled_update() {
    return Error(ErrorCode::kCancelled, "the update was cancelled");
}

}  // namespace cpr::controller
