// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_START_PLAN_H
#define CPR_CONTROLLER_QEMU_START_PLAN_H

#include <optional>
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

// Whether libvirt wants that this QEMU starts no process (-sandbox spawn=deny).
bool denies_spawn(const ArgumentModel& model);
// QEMU's own filter would also deny the execution that an update in its process takes;
// exec_filter() stands in for that part of it. The second undoes the first.
void leave_spawn_to_filter(ArgumentModel& model);
void deny_spawn(ArgumentModel& model);

// Of such a command line. One that cannot be read is left alone, and nothing is returned: then the
// guest can only be updated in mode transfer, or not at all.
std::optional<std::vector<std::string>> with_spawn_left_to_filter(
    const std::vector<std::string>& arguments);

// The descriptors from 3 on that a program executed now would inherit.
std::vector<int> inheritable_descriptors();

}  // namespace cpr::controller::qemu

#endif
