// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_WAY_BACK_H
#define CPR_CONTROLLER_WAY_BACK_H

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "base/error.h"
#include "controller/keeper.h"
#include "controller/update_host.h"

namespace cpr::controller {

// The name under which the VMM keeps the descriptor of the binary to execute.
inline constexpr const char* kBinaryFdName = "cpr-binary";

// Whether an error leaves open what the VMM did, and whether it still is there.
bool is_lost(const Error& error);

// Back to the old binary, from wherever a new one has come to before the point of no return. On the
// update job's thread. All functions throw Error.
class WayBack {
  public:
    // `vmm` is the VMM before the update; its process is exchanged for another if need be.
    WayBack(UpdateHost& host, RunningVmm& vmm) : host_(host), vmm_(vmm) {}

    // Before a save, which is refused if they are too low: the limits that another process would be
    // given. Somebody may lower them later.
    void note_limits();
    // After a save: takes a duplicate of all that the guest needs, and gives up at `end`.
    void arm(std::chrono::steady_clock::time_point end);
    bool armed() const { return keeper_ != nullptr; }
    // Whether the guest has been entered since the save.
    bool guest_entered() { return armed() && keeper_->gate().entered(); }

    // The guest must not be entered any more; false if it has been.
    bool withdraw() { return armed() && keeper_->gate().withdraw(); }

    // Has the VMM execute a binary in its process, and returns when that has greeted. An error that
    // is not is_lost() is the answer of the VMM that was there before.
    void exec_in_place(const std::shared_ptr<const Binary>& binary,
                       std::chrono::milliseconds deadline);
    // With a binary that has greeted.
    void negotiate(std::chrono::milliseconds deadline);
    void offer_binary(const Binary& binary);

    // Puts the old binary in the new one's place, ready to load: in the same process if the VMM
    // answers, else in another, the present one being killed.
    void go_back(bool vmm_answers);
    // Loads what was saved, and lets the guest run if it ran. A VMM that fails in that is replaced
    // by another, up to three times.
    void run_again(bool was_running);

  private:
    void go_back_in_place();
    void replace_process();
    void load_and_run(bool was_running);

    UpdateHost& host_;
    RunningVmm& vmm_;
    ResourceLimits limits_;
    std::unique_ptr<Keeper> keeper_;
};

}  // namespace cpr::controller

#endif
