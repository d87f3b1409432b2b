// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_TRANSFER_STEPS_H
#define CPR_CONTROLLER_QEMU_TRANSFER_STEPS_H

#include <memory>
#include <optional>
#include <string>

#include "controller/qemu/target.h"
#include "controller/qemu/transfer_source.h"
#include "controller/qemu/version.h"
#include "controller/update_steps.h"

namespace cpr::controller::qemu {

// The phases with stock QEMU by cpr-transfer: a second QEMU is started beside the first while the
// guest runs, and takes it over. Up to its `cont` the first can go on.
class TransferSteps final : public UpdateSteps {
  public:
    TransferSteps(UpdateHost& host, RunningVmm vmm, JobRecord& record);
    ~TransferSteps() override;

  private:
    void validate() override;
    void prepare() override;
    void undo_prepare() override;
    void save() override;
    void exec() override;
    void load() override;
    void resume() override;
    void finish() override;

    Guest& guest() const { return *vmm_.qemu; }
    void find_blockers();
    void check_next_binary();
    void check_run_state();
    void wait_for_commands();
    [[noreturn]] void let_crash();
    void connect();
    void check_queues();
    void give_settings();
    void wait_for_entry();
    void expect_pause_so_far() const;
    void release_taps();

    std::string channel_path() const;
    std::string main_path() const;

    std::shared_ptr<RunWatch> watch_ = std::make_shared<RunWatch>();
    Version next_version_;
    std::optional<TransferSource> source_;
    std::unique_ptr<Target> target_;
};

}  // namespace cpr::controller::qemu

#endif
