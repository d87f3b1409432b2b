// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CPR_VMM_STEPS_H
#define CPR_CONTROLLER_CPR_VMM_STEPS_H

#include <nlohmann/json_fwd.hpp>

#include "controller/binary_info.h"
#include "controller/update_steps.h"
#include "controller/way_back.h"

namespace cpr::controller {

// The phases with cpr-vmm: one process, which executes the new binary (docs/protocol.md, Between
// the controller and cpr-vmm).
class CprVmmSteps final : public UpdateSteps {
  public:
    CprVmmSteps(UpdateHost& host, RunningVmm vmm, JobRecord& record)
        : UpdateSteps(host, std::move(vmm), record) {}

  private:
    void validate() override;
    void prepare() override;
    void undo_prepare() override;
    void save() override;
    void undo_save() override;
    void exec() override;
    void undo_exec() override;
    void load() override;
    void resume() override;
    void finish() override;

    void rehearse();
    void let_guest_run();
    nlohmann::json query_cpr(std::chrono::milliseconds deadline);
    void take_back_save();
    void restore_threads();
    void note_new_binary();
    void note_pause(const nlohmann::json& cpr);
    void note_end_of_pause(const nlohmann::json& cpr);

    WayBack way_back_{host_, vmm_};
    BinaryInfo current_info_;
    BinaryInfo next_info_;
    bool offered_ = false;
    // The new binary may be there.
    bool executed_ = false;
    // The VMM has not answered in time, or has ended.
    bool lost_ = false;
};

}  // namespace cpr::controller

#endif
