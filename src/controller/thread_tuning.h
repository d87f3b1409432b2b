// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_THREAD_TUNING_H
#define CPR_CONTROLLER_THREAD_TUNING_H

#include <sys/types.h>

#include <optional>

#include "base/text.h"
#include "controller/vmm_threads.h"

namespace cpr::controller {

// What one of a VMM's threads has that the process itself has not, which is what the next VMM's
// begin with: a scheduling policy, or limits of a cgroup of its own (cgroups(7), both versions), as
// libvirt sets by <cputune>. In words; nothing if there is none. Throws Error if a limit cannot be
// read.
std::optional<Text> thread_tuning(pid_t process, const VmmThreads& threads);

}  // namespace cpr::controller

#endif
