// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_TRANSFER_STEPS_H
#define CPR_CONTROLLER_QEMU_TRANSFER_STEPS_H

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "controller/qemu/entry_order.h"
#include "controller/qemu/migration_source.h"
#include "controller/qemu/qemu_steps.h"
#include "controller/qemu/target.h"

namespace cpr::controller::qemu {

// The phases with stock QEMU by cpr-transfer: a second QEMU is started beside the first while the
// guest runs, and takes it over. Up to its `cont` the first can go on.
class TransferSteps final : public QemuSteps {
  public:
    TransferSteps(UpdateHost& host, RunningVmm vmm, JobRecord& record)
        : QemuSteps(host, std::move(vmm), record) {}
    ~TransferSteps() override;

  private:
    void validate() override;
    void add_blockers() override;
    void prepare() override;
    void undo_prepare() override;
    void save() override;
    void exec() override;
    void load() override;
    void resume() override;
    void finish() override;
    bool turn_back() override;

    void connect();
    void check_queues();
    void order_entry();
    bool is_wanted() const;
    void before_entry(const std::function<void()>& step);
    void wait_for_load();
    void wait_for_release();
    void wait_for_entry();
    void note_pause(int64_t told);
    void expect_pause_so_far() const;
    void release_taps();
    void describe_again();

    std::string channel_path() const;
    std::string main_path() const;

    std::optional<MigrationSource> source_;
    std::unique_ptr<Target> target_;
    // Of a guest that ran.
    std::optional<EntryOrder> entry_;
};

}  // namespace cpr::controller::qemu

#endif
