// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_SANDBOX_SYSCALL_GROUPS_H
#define CPR_VMM_SANDBOX_SYSCALL_GROUPS_H

#include <span>

namespace cpr::vmm {

// Names of system calls that are denied whatever their arguments, by what -sandbox calls them.

// What no VMM does: denied by any -sandbox on.
std::span<const char* const> foreign_syscalls();
std::span<const char* const> obsolete_syscalls();
std::span<const char* const> privilege_syscalls();
std::span<const char* const> resource_syscalls();
// Without what depends on arguments: clone and execveat.
std::span<const char* const> spawn_syscalls();

}  // namespace cpr::vmm

#endif
