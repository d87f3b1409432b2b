// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_EXEC_STEPS_H
#define CPR_CONTROLLER_QEMU_EXEC_STEPS_H

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/qemu/exec_handover.h"
#include "controller/qemu/migration_source.h"
#include "controller/qemu/open_files.h"
#include "controller/qemu/qemu_steps.h"

namespace cpr::controller::qemu {

// The phases with stock QEMU by cpr-exec: the new QEMU is executed in the process of the one
// before, which libvirt knows. What the guest needs to go on is kept here meanwhile, so that the
// old QEMU can be started again, in that process's place, up to the new one's `cont`.
class ExecSteps final : public QemuSteps {
  public:
    ExecSteps(UpdateHost& host, RunningVmm vmm, JobRecord& record)
        : QemuSteps(host, std::move(vmm), record) {}
    ~ExecSteps() override;

  private:
    // What a QEMU is started with, and our end of its monitor.
    struct Successor {
        Guest::Start start;
        std::vector<std::pair<int, int>> placed;
        UniqueFd theirs;
        UniqueFd monitor;
    };

    void validate() override;
    void add_blockers() override;
    void prepare() override;
    void undo_prepare() override;
    void save() override;
    void undo_save() override;
    void exec() override;
    void undo_exec() override;
    void load() override;
    void resume() override;
    void finish() override;

    void check_vfio_memory();
    Successor make_successor(const std::string& program);
    void take_guest(std::chrono::milliseconds deadline);
    void check_numbers() const;
    void prepare_queues(const Guest::Start& start) const;
    void run_in_place(const std::shared_ptr<const Binary>& program);
    void watch_anew();
    void greet(UniqueFd monitor, std::chrono::milliseconds deadline);
    void load_state(std::chrono::milliseconds deadline);
    void run_guest(std::chrono::milliseconds deadline);
    void look_for_end() const;
    void begin_save();
    std::string why_not_saved();
    void note_pause();

    bool has_run();
    bool comes_to_execute();
    void go_back();
    void recover_vfio();
    void start_old();
    void start_elsewhere();
    void confine(ProcessSpec& spec);
    void run_again();

    std::shared_ptr<const Binary> prefix_;
    ResourceLimits limits_;
    OpenFiles files_;
    UniqueFd state_;
    std::optional<Successor> next_qemu_;
    std::optional<ExecHandover> handover_;
    std::optional<MigrationSource> source_;
    KeptGuest kept_;
    // QEMU has been told to save the guest.
    bool saving_ = false;
    // QEMU has become our program, and the guest is in our hands.
    bool executed_ = false;
    // Our program has been told what to become.
    bool replaced_ = false;
    bool going_back_ = false;
};

// Those of the mode that is asked for, or for which the guest was started. On the job's thread.
std::unique_ptr<UpdateSteps> make_qemu_steps(UpdateHost& host, RunningVmm vmm, JobRecord& record);

}  // namespace cpr::controller::qemu

#endif
