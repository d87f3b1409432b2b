// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_VMM_CALLS_H
#define CPR_CONTROLLER_VMM_CALLS_H

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "base/event_loop.h"
#include "controller/vmm_link.h"

namespace cpr::controller {

// The VMM's commands as blocking calls, for the update job's own thread. All throw Error: the VMM's
// own error, kTimeout, or kVmmGone. The loop must run, and both must outlive the calls.
class VmmCalls {
  public:
    using Deadline = std::chrono::milliseconds;

    VmmCalls(EventLoop& loop, VmmLink& link) : loop_(loop), link_(link) {}

    // Returns what the command returns. `fd`, if there is one, travels with it and stays ours.
    nlohmann::json call(const std::string& name, nlohmann::json arguments, Deadline deadline,
                        int fd = -1);

    // A command that a new binary's greeting answers; returns the greeting.
    nlohmann::json exec(const std::string& name, nlohmann::json arguments, Deadline deadline);

  private:
    nlohmann::json run(const std::string& name, Message command, Deadline deadline, bool is_exec);

    EventLoop& loop_;
    VmmLink& link_;
};

}  // namespace cpr::controller

#endif
