// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_QEMU_STEPS_H
#define CPR_CONTROLLER_QEMU_QEMU_STEPS_H

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "controller/qemu/blocker.h"
#include "controller/qemu/guest.h"
#include "controller/qemu/run_watch.h"
#include "controller/qemu/version.h"
#include "controller/update_steps.h"

namespace cpr::controller::qemu {

// What is the same in both modes of an update of stock QEMU: what the guest is, and the new
// program.
class QemuSteps : public UpdateSteps {
  public:
    ~QemuSteps() override;

  protected:
    QemuSteps(UpdateHost& host, RunningVmm vmm, JobRecord& record);

    Guest& guest() const { return *vmm_.qemu; }
    // The whole validation. The new program has to be of that version or later.
    void validate_guest(UpdateMode mode, const Version& needed);
    // From here on the guest's configuration must not change any more.
    void begin_preparation();
    // Those that the mode has beside any update's, of a guest whose command line can be read.
    virtual void add_blockers() {}
    void add_blocker(const Blocker& blocker) { record_.blockers.push_back(to_json(blocker)); }
    // What no command line has.
    void give_named_descriptors(VmmCalls& calls);
    // What the guest has been set to at run time; `is_set` says what of it the mode has given
    // already.
    using Settings = std::vector<nlohmann::json>;
    Settings settings_beside(const std::function<bool(const nlohmann::json& command)>& is_set);
    static void give_settings(VmmCalls& calls, std::chrono::milliseconds deadline,
                              const Settings& settings);
    // The guest has run on a QEMU that is no more. What there is of it is stale, and nobody may
    // resume it: for libvirt, the domain has crashed.
    [[noreturn]] void let_crash(const VmmProcess& process);

    // Of the QEMU that has libvirt's monitor.
    std::shared_ptr<RunWatch> watch_ = std::make_shared<RunWatch>();
    Version next_version_;

  private:
    void find_blockers();
    void check_next_binary(const Version& needed);
    void check_run_state();
    void wait_for_commands();
};

}  // namespace cpr::controller::qemu

#endif
