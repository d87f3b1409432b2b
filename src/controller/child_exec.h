// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHILD_EXEC_H
#define CPR_CONTROLLER_CHILD_EXEC_H

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace cpr::controller {

// What it takes to have a child execute a program. What is for the child neither allocates nor
// locks: another thread may have held the allocator's lock at the fork.

struct Pipe {
    // Close-on-exec. Throws Error.
    Pipe();
    UniqueFd read_end;
    UniqueFd write_end;
};

// For execve; borrowed from the arguments. Before the fork.
std::vector<char*> argument_pointers(const std::vector<std::string>& arguments);

// In the child: signals as a program expects them.
void default_signals();
// In the child: executes a program, whose descriptors from 3 on are those that are inherited.
// Should that fail, tells the parent through a pipe, and ends.
[[noreturn]] void exec_or_tell(int binary, char* const* argv, const std::vector<int>& inherited,
                               int failure);
// Gives descriptors other numbers, (from, to), whatever else is open under these; close-on-exec.
// `own` are moved out of the way, and `spare` has room for as many as are placed. False, with
// errno.
bool place_descriptors(std::span<const std::pair<int, int>> placed, std::span<int> spare,
                       std::span<int* const> own);
// In the child: tells the parent of errno, and ends.
[[noreturn]] void tell_failure(int failure);

// In the parent, which has closed its copy of the pipe's other end: waits until the child has
// executed its program, and returns 0 or the errno that it told.
int exec_failure(int failure);

}  // namespace cpr::controller

#endif
