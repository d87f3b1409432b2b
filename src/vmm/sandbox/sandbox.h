// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_SANDBOX_SANDBOX_H
#define CPR_VMM_SANDBOX_SANDBOX_H

#include <string_view>

#include "base/unique_fd.h"

namespace cpr::vmm {

// What -sandbox asks for.
struct SandboxOptions {
    bool on = false;
    bool deny_obsolete = false;
    bool deny_elevate_privileges = false;
    bool deny_spawn = false;
    bool deny_resource_control = false;
};

// Whether the process may execute another program.
enum class ExecRight {
    kFree,
    kDenied,
    kByOrder,  // by execveat, if whoever has the listener says so, each time anew
};

// How the process is confined.
struct Confinement {
    ExecRight exec = ExecRight::kFree;
    // The end on which others decide about execveat; only in the program that set the filter.
    UniqueFd listener;
};

// Puts the process under a seccomp filter, for good: children of clone and programs that it
// executes are under it as well. Call it before there are threads. A filter of this program's kind
// that is in force already, set before an update, stays as it is: the process itself tells, not the
// command line. With `has_controller` there is somebody to give the listener to. Throws Error.
Confinement confine(const SandboxOptions& options, bool has_controller);

}  // namespace cpr::vmm

#endif
