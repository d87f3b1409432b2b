// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_UPDATE_HOST_H
#define CPR_CONTROLLER_UPDATE_HOST_H

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/binary_info.h"
#include "controller/exec_orders.h"
#include "controller/update_deadlines.h"
#include "controller/vmm_calls.h"
#include "controller/vmm_process.h"

namespace cpr {
class EventLoop;
}

namespace cpr::controller {

namespace qemu {
class Guest;
}

// The VMM as it is now.
struct RunningVmm {
    std::shared_ptr<const VmmProcess> process;
    // What it runs: the file itself, whatever its path names by now.
    std::shared_ptr<const Binary> binary;
    // Its command line, program name first, less what an update appends.
    std::vector<std::string> arguments;
    // If it is stock QEMU: for the loop's thread. Null for cpr-vmm.
    std::shared_ptr<qemu::Guest> qemu = {};
};

// What the steps need of the controller. All are called on the job's thread.
struct UpdateHost {
    VmmCalls& vmm;
    // For what has to be done on the loop's thread: call_on_loop().
    EventLoop& loop;
    // What `vmm` calls by; for the loop's thread.
    VmmLink& link;
    // The default ones up to the validation, which asks for the configured ones.
    UpdateDeadlines deadlines;
    // Throws Error.
    std::function<UpdateDeadlines()> configured_deadlines;
    // Where the domain's sockets are.
    std::string folder;
    // What emulators.conf names for this domain's emulator. Throws Error.
    std::function<std::string()> configured_binary;
    // As Relay's; the first is done when it returns.
    std::function<void()> begin_switch;
    std::function<void(const nlohmann::json& status)> set_switch_status;
    // Of orders_on_loop().
    ExecOrders exec;
    // When this returns: whether the end of the VMM is the job's business now, and not the domain's
    // end.
    std::function<void(bool keeping)> set_keeping;
    // Another process is the domain's VMM, when this returns: the end of the one before is none of
    // the guest's any more.
    std::function<void(std::shared_ptr<const VmmProcess> process)> adopt;
    // Whether somebody has asked for the job's end. The job knows.
    std::function<bool()> cancelled = {};
};

}  // namespace cpr::controller

#endif
