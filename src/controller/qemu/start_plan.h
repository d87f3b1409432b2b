// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_START_PLAN_H
#define CPR_CONTROLLER_QEMU_START_PLAN_H

#include <string>
#include <vector>

#include "controller/chardev/plan.h"
#include "controller/display/vnc_plan.h"
#include "controller/qemu/argument_model.h"
#include "controller/qemu/shared_memory.h"
#include "controller/qemu/version.h"

namespace cpr::controller::qemu {

// What share_memory() has to know, of this host and a QEMU of that version.
StartFacts start_facts(const ArgumentModel& model, const Version& version);

// How a guest is started so that it can be updated later.
struct StartPlan {
    std::vector<std::string> arguments;
    ChardevPlan chardevs;
    VncPlan vnc;
};

// A command line that cannot be read or changed is left alone: the guest runs as libvirt wants it,
// and an update is refused with the reason. `folder` is for sockets of the guest's.
StartPlan plan_start(const std::vector<std::string>& arguments, const Version& version,
                     const std::string& folder);

// The descriptors from 3 on that a program executed now would inherit.
std::vector<int> inheritable_descriptors();

}  // namespace cpr::controller::qemu

#endif
