// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_UPDATE_STEPS_H
#define CPR_CONTROLLER_UPDATE_STEPS_H

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/binary_info.h"
#include "controller/job_record.h"
#include "controller/step_list.h"
#include "controller/vmm_calls.h"

namespace cpr::controller {

// The VMM's process as it is now.
struct RunningVmm {
    int64_t pid = 0;
    // What it runs: the file itself, whatever its path names by now.
    std::shared_ptr<const Binary> binary;
    // Its command line, program name first, less what an update appends.
    std::vector<std::string> arguments;
};

// How long each part of an update may take; the sum bounds a failed update's time.
struct UpdateDeadlines {
    std::chrono::milliseconds query{10'000};
    std::chrono::milliseconds info{10'000};
    std::chrono::milliseconds save{60'000};
    std::chrono::milliseconds exec{30'000};
    std::chrono::milliseconds load{60'000};
    std::chrono::milliseconds resume{30'000};
};

// What the steps need of the controller. All are called on the job's thread.
struct UpdateHost {
    VmmCalls& vmm;
    UpdateDeadlines deadlines;
    // What emulators.conf names for this domain's emulator. Throws Error.
    std::function<std::string()> configured_binary;
    // As Relay's.
    std::function<void()> begin_switch;
    std::function<void(const nlohmann::json& status)> set_switch_status;
};

// The phases of an update as steps: validate, prepare, save, exec, load, resume, finish. The steps
// keep their findings in the record. On the job's thread; record and host must outlive the steps.
class UpdateSteps {
  public:
    UpdateSteps(UpdateHost& host, RunningVmm vmm, JobRecord& record)
        : host_(host), vmm_(std::move(vmm)), record_(record) {}

    // For record.check, only the validation.
    std::vector<Step> list();

    // The binary that the guest runs on after a list that went through.
    std::shared_ptr<const Binary> next_binary() const { return next_; }
    // True as long as the old binary's process image is there: so far an update can be cancelled.
    bool can_cancel() const { return !executed_; }
    // Whether the guest ran before, and was stopped for the update.
    bool interrupted_guest() const { return was_running_; }

  private:
    void validate();
    void prepare();
    void undo_prepare();
    void save();
    void undo_save();
    void exec();
    void undo_exec();
    void load();
    void resume();

    nlohmann::json query_cpr();
    void offer_binary(const Binary& binary);
    void exec_binary(const Binary& binary);
    void load_state();
    void note_end_of_pause(const nlohmann::json& cpr);

    UpdateHost& host_;
    RunningVmm vmm_;
    JobRecord& record_;
    std::shared_ptr<const Binary> next_;
    bool was_running_ = false;
    int64_t save_begin_ns_ = 0;
    bool offered_ = false;
    bool executed_ = false;
    // The old binary has been executed again.
    bool returned_ = false;
    // The guest may have run on the new binary: the saved state is stale.
    bool point_of_no_return_ = false;
};

}  // namespace cpr::controller

#endif
