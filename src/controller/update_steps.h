// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_UPDATE_STEPS_H
#define CPR_CONTROLLER_UPDATE_STEPS_H

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/monotonic.h"
#include "controller/job_record.h"
#include "controller/step_list.h"
#include "controller/update_host.h"
#include "controller/way_back.h"

namespace cpr::controller {

// The phases of an update as steps: validate, prepare, save, exec, load, resume, finish. The steps
// keep their findings in the record. On the job's thread; record and host must outlive the steps.
class UpdateSteps {
  public:
    UpdateSteps(UpdateHost& host, RunningVmm vmm, JobRecord& record)
        : host_(host), vmm_(std::move(vmm)), record_(record) {}

    // For record.check, only the validation.
    std::vector<Step> list();

    // What the guest runs on now.
    const RunningVmm& vmm() const { return vmm_; }
    // Up to the point of no return: throws Error kCancelled if the update has been cancelled,
    // kTimeout if all of it, or the guest's stop, has taken longer than it may.
    void check_wanted() const;
    // Whether the guest ran before, and was stopped for the update.
    bool interrupted_guest() const { return was_running_; }

  private:
    void validate();
    void rehearse();
    void prepare();
    void undo_prepare();
    void save();
    void undo_save();
    void exec();
    void undo_exec();
    void load();
    void resume();
    void let_guest_run();
    void finish();

    void add_changes(std::vector<Step>& steps);
    void check_time() const;
    void in_time(const std::function<void()>& apply) const;
    std::chrono::milliseconds within(std::chrono::milliseconds deadline) const;
    nlohmann::json query_cpr(std::chrono::milliseconds deadline);
    void take_back_save();
    void note_pause(const nlohmann::json& cpr);
    void note_end_of_pause(const nlohmann::json& cpr);

    UpdateHost& host_;
    RunningVmm vmm_;
    JobRecord& record_;
    WayBack way_back_{host_, vmm_};
    int64_t begin_ns_ = monotonic_ns();
    std::shared_ptr<const Binary> next_;
    BinaryInfo current_info_;
    BinaryInfo next_info_;
    bool was_running_ = false;
    int64_t save_begin_ns_ = 0;
    bool offered_ = false;
    // The new binary may be there.
    bool executed_ = false;
    // The VMM has not answered in time, or has ended.
    bool lost_ = false;
    // The guest runs on the new binary, or may: the saved state is stale.
    bool resumed_ = false;
};

}  // namespace cpr::controller

#endif
