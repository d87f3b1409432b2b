// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_UPDATE_JOB_H
#define CPR_CONTROLLER_UPDATE_JOB_H

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "controller/job_record.h"
#include "controller/update_steps.h"

namespace cpr::controller {

// One update, on a thread of its own, so that its steps read as they happen. Made and destroyed on
// the loop's thread; destroying it waits for the end of the job.
class UpdateJob {
  public:
    struct Host : UpdateHost {
        // Each change of phase, on the job's thread.
        std::function<void(const JobRecord& record)> on_progress;
        // As Relay's; `stopped` if the guest ran before and does not now.
        std::function<void(bool stopped)> end_switch;
        // The end, on the job's thread: the record, and what the guest now runs on. Nothing
        // follows.
        std::function<void(const JobRecord& record, const RunningVmm& vmm)> on_finished;
    };

    // The record has what the request says: id, check, new_binary.path; and what is known of the
    // guest: domain_pid, generation.
    UpdateJob(Host host, RunningVmm vmm, JobRecord record);
    ~UpdateJob();

    // Asks the job to stop before its next phase, or before the guest is entered. Any thread.
    void cancel() { cancelled_ = true; }

  private:
    void run();
    void enter_phase(UpdateSteps& steps, const std::string& name);
    void conclude(const StepOutcome& outcome);
    bool guest_stopped(const StepOutcome& outcome, const UpdateSteps& steps);

    Host host_;
    RunningVmm vmm_;
    JobRecord record_;
    std::atomic<bool> cancelled_ = false;
    std::thread thread_;
};

}  // namespace cpr::controller

#endif
