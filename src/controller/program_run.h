// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_PROGRAM_RUN_H
#define CPR_CONTROLLER_PROGRAM_RUN_H

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/text.h"

namespace cpr::controller {

struct RunLimits {
    std::chrono::milliseconds deadline{10'000};
    // Bytes of each, standard output and error.
    size_t output = size_t{1} << 20;
};

struct RunResult {
    // As of waitpid().
    int status = 0;
    std::string output;
    std::string errors;

    // "exited with status 3", "was killed by signal 11"; with the first line of its errors.
    Text status_text() const;
};

// The first line of a program's output, made fit for a message: it may be hostile or foreign.
std::string excerpt(const std::string& text);

// Runs the program behind an open descriptor (O_PATH is enough) to its end, in a process group of
// its own, without any of our descriptors but those that it is to inherit and without our signal
// settings, and kills it when it goes past a limit or when the calling thread ends. Blocks; any
// thread. Throws Error: kBinaryNotExecutable if it cannot be executed, kTimeout past the deadline,
// kBinaryForeign past the output limit.
RunResult run_program(int binary, const std::vector<std::string>& arguments,
                      const RunLimits& limits = {}, const std::vector<int>& inherited = {});

}  // namespace cpr::controller

#endif
