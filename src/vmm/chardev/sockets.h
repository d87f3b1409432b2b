// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHARDEV_SOCKETS_H
#define CPR_VMM_CHARDEV_SOCKETS_H

#include <string>

#include "base/unique_fd.h"
#include "vmm/core/machine_config.h"

namespace cpr::vmm {

// The socket of a -chardev socket at a cold start: listening if config.server, else connected;
// passed in by number, or made for the path. Takes the ownership of a passed-in descriptor. Throws
// Error, which names the character device.
UniqueFd open_socket(const ChardevConfig& config);

// A new client of a listening socket; empty if there is none (any more). Throws Error.
UniqueFd accept_client(int listener);

// query-chardev's filename. `fd` tells the path of a socket that was passed in.
std::string socket_filename(const ChardevConfig& config, int fd, bool connected);

}  // namespace cpr::vmm

#endif
