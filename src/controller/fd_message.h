// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_FD_MESSAGE_H
#define CPR_CONTROLLER_FD_MESSAGE_H

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace cpr::controller {

// As many as the kernel takes in one message.
inline constexpr size_t kMostFds = 253;
inline constexpr size_t kLongestMessage = size_t{64} << 10;

// One message of a SOCK_SEQPACKET socket, with descriptors, which arrive close-on-exec.
struct FdMessage {
    std::string text;
    std::vector<UniqueFd> fds;
};

// Both ends, close-on-exec. Throws Error.
std::pair<UniqueFd, UniqueFd> make_message_pair();

// All throw Error: kVmmGone if the other end is gone, kTimeout.
void send_message(int socket, std::string_view text, std::span<const int> fds = {});
// Waits for it; negative: for ever.
FdMessage receive_message(int socket, std::chrono::milliseconds deadline);

}  // namespace cpr::controller

#endif
