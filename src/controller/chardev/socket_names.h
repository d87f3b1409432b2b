// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_SOCKET_NAMES_H
#define CPR_CONTROLLER_CHARDEV_SOCKET_NAMES_H

#include <string>

#include "controller/chardev/relayed_device.h"

namespace cpr::controller {

// An address of a socket: numeric, or the path of a unix socket.
struct SocketName {
    int family = 0;
    std::string host;
    std::string port;
    std::string path;

    std::string bracketed() const;
};

// Without family if the socket has none.
SocketName own_name(int socket);
SocketName peer_name(int socket);

// What QEMU calls a character device on a socket in the answer of query-chardev, such as
// "unix:/path,server=on" or "disconnected:tcp:127.0.0.1:4555,server=on".

// Of the client's socket.
std::string server_name(int client);
// Of the listening socket, while there is no client.
std::string waiting_server_name(int listener);
std::string client_name(int socket);
std::string closed_client_name(const SocketAddress& address);

}  // namespace cpr::controller

#endif
