// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_UPDATE_STEPS_H
#define CPR_CONTROLLER_UPDATE_STEPS_H

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "controller/job_record.h"
#include "controller/step_list.h"
#include "controller/update_host.h"
#include "controller/vmm_threads.h"

namespace cpr::controller {

// The phases of an update as steps: validate, prepare, save, exec, load, resume, finish. What is
// the same with every VMM is here, what each phase does with one kind of VMM in a class of its own
// (CprVmmSteps, qemu::TransferSteps). The steps keep their findings in the record. On the job's
// thread; record and host must outlive the steps.
class UpdateSteps {
  public:
    virtual ~UpdateSteps() = default;
    UpdateSteps(const UpdateSteps&) = delete;
    UpdateSteps& operator=(const UpdateSteps&) = delete;

    // For record.check, only the validation.
    std::vector<Step> list();

    // What the guest runs on now.
    const RunningVmm& vmm() const { return vmm_; }
    // Up to the point of no return: throws Error kCancelled if the update has been cancelled,
    // kTimeout if all of it, or the guest's stop, has taken longer than it may.
    void check_wanted();
    // Whether the guest ran before, and was stopped for the update.
    bool interrupted_guest() const { return was_running_; }

  protected:
    UpdateSteps(UpdateHost& host, RunningVmm vmm, JobRecord& record);

    // The phases; all throw Error. What is undone is in StepList.
    virtual void validate() = 0;
    virtual void prepare() = 0;
    virtual void undo_prepare() = 0;
    virtual void save() = 0;
    virtual void undo_save() {}
    virtual void exec() = 0;
    virtual void undo_exec() {}
    virtual void load() = 0;
    virtual void resume() = 0;
    virtual void finish() = 0;

    // The begin of every validation: the deadlines, the new binary's path, and the mode, which has
    // to be `mode` unless it is automatic. Throws Error.
    void begin_validation(UpdateMode mode);
    // Throws Error kBlocked with the reasons if the record has blockers.
    void refuse_blockers() const;
    // Throws Error kPauseTooLong if the guest will be paused for longer than the update may. While
    // it goes back sooner than it would go on.
    void expect_pause(int64_t pause_ns) const;
    // On which processors the VMM's threads may run, for those of the next. Throws Error.
    void note_threads();
    // Adds a blocker if the threads have what the controller could not give to those of the next
    // VMM, and nobody else will.
    void find_thread_tuning();
    // As was noted, of the VMM in that process, which `calls` reaches. Throws Error, unless
    // somebody else will.
    void place_threads(VmmCalls& calls, const VmmProcess& process) const;
    // The same, with a deadline for each question that may come after the update's.
    void place_threads(VmmCalls& calls, const VmmProcess& process,
                       std::chrono::milliseconds deadline) const;
    // The same, and changes nothing.
    void expect_wanted() const;
    // The guest will not be given to the new binary any more: somebody does not want it. Returns
    // false if it has been.
    virtual bool turn_back() { return true; }
    // The guest is about to be stopped.
    void begin_stop();
    // What is left for a step of its deadline, the whole update's, and the guest's stop.
    std::chrono::milliseconds within(std::chrono::milliseconds deadline) const;

    UpdateHost& host_;
    RunningVmm vmm_;
    JobRecord& record_;
    std::shared_ptr<const Binary> next_;
    bool was_running_ = false;
    // 0 before begin_stop().
    int64_t stop_begin_ns_ = 0;
    // The guest runs on the new binary, or may: the old one's state is stale.
    bool resumed_ = false;

  private:
    void add_changes(std::vector<Step>& steps);
    void check_time() const;
    void in_time(const std::function<void()>& apply) const;

    VmmThreads threads_of(VmmCalls& calls, const VmmProcess& process,
                          std::chrono::milliseconds deadline) const;

    int64_t begin_ns_;
    ThreadAffinity affinity_;
};

// Those for the kind of VMM that the guest runs on.
std::unique_ptr<UpdateSteps> make_update_steps(UpdateHost& host, RunningVmm vmm, JobRecord& record);

// Of an update that somebody no longer wants.
Error cancelled_update();

}  // namespace cpr::controller

#endif
