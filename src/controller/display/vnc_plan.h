// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_DISPLAY_VNC_PLAN_H
#define CPR_CONTROLLER_DISPLAY_VNC_PLAN_H

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/text.h"
#include "base/unique_fd.h"
#include "controller/qemu/argument_model.h"

namespace cpr::controller {

// What becomes of a guest's VNC display: the controller has the address that viewers connect to,
// and each QEMU listens at a path of its own. Without listeners there is none, or it is left to
// QEMU. Owns the descriptors, which are close-on-exec.
struct VncPlan {
    std::vector<UniqueFd> listeners;
    // Of a listener that is a unix socket: it goes with the guest.
    std::string bound_path;
    // Where QEMUs listen, and viewers are connected from.
    std::string folder;

    // Of the first QEMU, and of every second one after it; or of the others.
    std::string inner_path(bool other = false) const {
        return folder + (other ? "/vnc1" : "/vnc0");
    }
    // All descriptors, which have to be open in the controller under their numbers.
    std::vector<int> for_controller() const;
};

// Listens at the address of -vnc, and puts a path in `folder` in its place; everything else of the
// option stays. A display that cannot be relayed, or whose address is not to be had, is left alone:
// QEMU says then what is wrong with it.
VncPlan plan_vnc(qemu::ArgumentModel& line, const std::string& folder);

// Why the next QEMU could not carry a display on that QEMU itself has; empty for one that is none.
Text reason_against_vnc(const qemu::Option& option);

// -vnc at that path.
void set_vnc_path(qemu::Option& option, const std::string& path);
bool is_vnc_at(const qemu::Option& option, const std::string& path);

nlohmann::json to_json(const VncPlan& plan);
// What was written by to_json() in the process that this one was executed by; takes the
// descriptors. Throws Error kInvalidArgument.
VncPlan vnc_plan_from(const nlohmann::json& written);

}  // namespace cpr::controller

#endif
