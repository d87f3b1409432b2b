// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_EXEC_MESSAGES_H
#define CPR_CONTROLLER_QEMU_EXEC_MESSAGES_H

#include <cstddef>
#include <string>
#include <vector>

namespace cpr::controller::qemu {

// Under which QEMU names its table of descriptors to the program that it executes.
inline constexpr const char* kTableVariable = "QEMU_CPR_EXEC_STATE";

// What virt-cpr-qemu-exec and the controller say to each other, as text of FdMessages. In this
// order: the program sends all descriptors of the process, in parts, each beside its number, and
// `table` with the last; the controller sends those for the next QEMU, each to have that number
// there, and `run` with the last: with which go two more, the program and its command line. An
// answer is an error. Empty and -1 is what a message does not say.
struct ExecMessage {
    std::vector<int> numbers;
    // The number that QEMU has left in its environment.
    int table = -1;
    bool run = false;
    // Of what the process has, what the next QEMU gets under the same numbers.
    std::vector<int> keep;
    std::string error;

    bool operator==(const ExecMessage&) const = default;
};

std::string to_text(const ExecMessage& message);
// Throws Error kInvalidArgument for what is none: a number that is no descriptor's, one that comes
// twice, more descriptors than numbers.
ExecMessage parse_exec_message(const std::string& text, size_t descriptors);

// A descriptor's number. Throws Error kInvalidArgument.
int parse_descriptor(const std::string& text);

}  // namespace cpr::controller::qemu

#endif
