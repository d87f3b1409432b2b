// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_SOCKETS_H
#define CPR_CONTROLLER_CHARDEV_SOCKETS_H

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "controller/chardev/relayed_device.h"

namespace cpr::controller {

// Sockets that listen at an address, not blocking: one, or one for each address that the host has.
// A path that is there is taken for that of a process that has ended. Throws Error.
std::vector<UniqueFd> open_listeners(const SocketAddress& address);

// Waits for the connection. Throws Error.
UniqueFd open_connection(const SocketAddress& address);

// A connection to the listener at `path`, which sees it come from `own_path`: what is there goes,
// and what is left there is the caller's. Does not block, now or later. Throws Error.
UniqueFd connect_from_path(const std::string& path, const std::string& own_path);

// Throws Error kInvalidArgument for a descriptor that is no such socket.
void require_stream_socket(int fd, bool listening);

// If the address asks for it.
void set_nodelay(int fd, const SocketAddress& address);

}  // namespace cpr::controller

#endif
