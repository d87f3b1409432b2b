// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/update_job.h"

#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "base/utc_time.h"

namespace cpr::controller {

UpdateJob::UpdateJob(Host host, RunningVmm vmm, JobRecord record)
    : host_(std::move(host)), vmm_(std::move(vmm)), record_(std::move(record)) {
    record_.status = JobStatus::kRunning;
    host_.cancelled = [this] { return cancelled_.load(); };
    thread_ = std::thread([this] { run(); });
}

UpdateJob::~UpdateJob() {
    thread_.join();
}

void UpdateJob::run() {
    auto steps = make_update_steps(host_, vmm_, record_);
    StepList list(steps->list(), [&](const std::string& name) { enter_phase(*steps, name); });
    const StepOutcome outcome = list.run();
    conclude(outcome);
    host_.set_keeping(false);
    host_.end_switch(guest_stopped(outcome, *steps));
    const RunningVmm vmm = steps->vmm();
    // They may need the loop's thread, which then waits for this one.
    steps.reset();
    record_.vmm_pid = vmm.process->pid;
    host_.on_finished(record_, vmm);
}

void UpdateJob::enter_phase(UpdateSteps& steps, const std::string& name) {
    const int64_t now = monotonic_ns();
    if (!record_.phases.empty())
        record_.phases.back().end_ns = now;
    steps.check_wanted();
    record_.phase = name;
    record_.phases.push_back({name, now, 0});
    host_.on_progress(record_);
}

void UpdateJob::conclude(const StepOutcome& outcome) {
    if (!record_.phases.empty() && record_.phases.back().end_ns == 0)
        record_.phases.back().end_ns = monotonic_ns();
    record_.ended = utc_now();
    if (outcome.ok()) {
        record_.status = JobStatus::kCompleted;
        return;
    }
    record_.error = outcome.error;
    if (!outcome.undo_failures.empty()) {
        record_.status = JobStatus::kFailed;
        record_.error = Error(outcome.error->code(), "{}; and this could not be undone: {}",
                              outcome.error->text(), Text::joined(outcome.undo_failures, "; "));
    } else if (outcome.error->code() == ErrorCode::kCancelled) {
        record_.status = JobStatus::kCancelled;
    } else {
        record_.status =
            outcome.failed_step == "validate" ? JobStatus::kFailed : JobStatus::kRolledBack;
    }
}

// Only for an update that could not be undone: libvirt then has to see what became of the guest.
bool UpdateJob::guest_stopped(const StepOutcome& outcome, const UpdateSteps& steps) {
    if (outcome.undo_failures.empty() || !steps.interrupted_guest())
        return false;
    try {
        const auto status =
            host_.vmm.call("query-status", nlohmann::json::object(), host_.deadlines.query);
        return status.is_object() && !status.value("running", true);
    } catch (const std::exception& error) {
        log::error("what became of the guest is not known: {}", error.what());
        return false;
    }
}

}  // namespace cpr::controller
