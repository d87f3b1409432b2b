// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/socket_names.h"

#include <fmt/core.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace cpr::controller {
namespace {

using Ask = int (*)(int, sockaddr*, socklen_t*);

SocketName name_from(int fd, Ask ask) {
    sockaddr_storage storage{};
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    socklen_t size = sizeof(storage);
    SocketName name;
    if (ask(fd, address, &size) < 0)
        return name;
    name.family = storage.ss_family;
    if (name.family == AF_UNIX) {
        constexpr size_t kStart = offsetof(sockaddr_un, sun_path);
        const char* path = reinterpret_cast<const sockaddr_un*>(&storage)->sun_path;
        name.path = size > kStart ? std::string(path, strnlen(path, size - kStart)) : "";
        return name;
    }
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (getnameinfo(address, size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        name.host = host.data();
        name.port = port.data();
    }
    return name;
}

constexpr const char* kServer = ",server=on";

std::string tcp_name(int fd, const SocketName& local, const char* server) {
    return fmt::format("tcp:{}{} <-> {}", local.bracketed(), server, peer_name(fd).bracketed());
}

}  // namespace

std::string SocketName::bracketed() const {
    return family == AF_INET6 ? fmt::format("[{}]:{}", host, port)
                              : fmt::format("{}:{}", host, port);
}

SocketName own_name(int socket) {
    return name_from(socket, getsockname);
}

SocketName peer_name(int socket) {
    return name_from(socket, getpeername);
}

std::string server_name(int client) {
    const SocketName local = own_name(client);
    return local.family == AF_UNIX ? fmt::format("unix:{}{}", local.path, kServer)
                                   : tcp_name(client, local, kServer);
}

std::string waiting_server_name(int listener) {
    const SocketName local = own_name(listener);
    return local.family == AF_UNIX
               ? fmt::format("disconnected:unix:{}{}", local.path, kServer)
               : fmt::format("disconnected:tcp:{}:{}{}", local.host, local.port, kServer);
}

std::string client_name(int socket) {
    const SocketName local = own_name(socket);
    return local.family == AF_UNIX ? "unix:" + peer_name(socket).path : tcp_name(socket, local, "");
}

std::string closed_client_name(const SocketAddress& address) {
    return address.path.empty() ? fmt::format("disconnected:tcp:{}:{}", address.host, address.port)
                                : "disconnected:unix:" + address.path;
}

}  // namespace cpr::controller
