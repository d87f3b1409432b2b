// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_VMM_PROCESS_H
#define CPR_CONTROLLER_VMM_PROCESS_H

#include <linux/filter.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace cpr::controller {

// A VMM's process. Its number may be reused once it has ended; the descriptor never names another.
struct VmmProcess {
    int64_t pid = 0;
    UniqueFd pidfd;
    // Of the seccomp filter that it was started with, if there is one.
    UniqueFd listener = {};
};

using ResourceLimits = std::vector<std::pair<int, rlimit>>;

// The limits of a process. Throws Error.
ResourceLimits limits_of(int64_t pid);

struct ProcessSpec {
    int binary = -1;  // open descriptor of the program
    std::vector<std::string> arguments;
    std::vector<int> inherited;  // stay open under their numbers, beside standard error
    // Those that have to have another number there, ours and theirs; instead of the others.
    std::vector<std::pair<int, int>> placed = {};
    // NAME=VALUE, beside what this process has.
    std::vector<std::string> environment = {};
    ResourceLimits limits;
    // The number that the process is to have, if it is free and the kernel lets us choose (that
    // takes CAP_CHECKPOINT_RESTORE).
    int64_t wanted_pid = 0;
    // It is killed when the thread that starts it ends.
    bool ends_with_parent = false;
    // A seccomp filter of which somebody else is notified; it takes the right to new privileges.
    std::vector<sock_filter> filter = {};
    // Called with its listener before the program is executed, for a filter that asks about that;
    // else VmmProcess has it.
    std::function<void(UniqueFd listener, int64_t pid)> watch_filter = {};
};

// Starts a program as a child of this process, in a session of its own. Any thread. Throws Error;
// kBinaryNotExecutable if it cannot be executed.
VmmProcess start_process(const ProcessSpec& spec);

// The same in two steps, for a thread that may not wait for the execution, since it has to answer
// the filter's question about that.
struct StartingProcess {
    VmmProcess process;
    // Tells of an execution that fails.
    UniqueFd failure;
    std::string program;
};
StartingProcess begin_process(const ProcessSpec& spec);
VmmProcess wait_for_start(StartingProcess starting);

bool has_ended(const VmmProcess& process);

// If it is a child of ours that has ended: others see it as a process until this.
void reap(const VmmProcess& process);

// Kills, and returns when nothing of the process is left: no descriptor and no memory. Throws
// Error kTimeout if it does not end in time.
void kill_process(const VmmProcess& process, std::chrono::milliseconds deadline);

}  // namespace cpr::controller

#endif
