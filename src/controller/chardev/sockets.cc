// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/sockets.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"

namespace cpr::controller {
namespace {

// Of clients that wait while another one is served: as many as with QEMU.
constexpr int kBacklog = 1;

struct FreeAddresses {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

sockaddr_un unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path))
        throw Error(ErrorCode::kInvalidArgument, "the socket path '{}' is longer than {} bytes",
                    path, sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path.data(), path.size());
    return address;
}

UniqueFd make_unix_socket() {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        throw errno_error("make a socket");
    return fd;
}

UniqueFd listen_at_path(const std::string& path) {
    const sockaddr_un address = unix_address(path);
    UniqueFd fd = make_unix_socket();
    if (unlink(path.c_str()) < 0 && errno != ENOENT)
        throw errno_error("remove the old socket '{}'", path);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0 ||
        listen(fd.get(), kBacklog) < 0)
        throw errno_error("listen at '{}'", path);
    return fd;
}

UniqueFd connect_to_path(const std::string& path) {
    const sockaddr_un address = unix_address(path);
    UniqueFd fd = make_unix_socket();
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0)
        throw errno_error("connect to '{}'", path);
    return fd;
}

int family_of(IpVersion version) {
    if (version == IpVersion::kAny)
        return AF_UNSPEC;
    return version == IpVersion::kFour ? AF_INET : AF_INET6;
}

AddressList resolve(const SocketAddress& address, int flags) {
    addrinfo hints{};
    hints.ai_family = family_of(address.version);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    addrinfo* found = nullptr;
    const char* host = address.host.empty() ? nullptr : address.host.c_str();
    const int problem = getaddrinfo(host, address.port.c_str(), &hints, &found);
    if (problem != 0)
        throw Error(ErrorCode::kSystem, "cannot find the address of '{}' port '{}': {}",
                    address.host, address.port, gai_strerror(problem));
    return AddressList(found);
}

// Empty, with errno set, if that does not work.
UniqueFd try_to_listen(const addrinfo& at) {
    UniqueFd fd(socket(at.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    // The host's addresses of both versions get a socket each.
    const bool set_up = fd &&
                        setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                        (at.ai_family != AF_INET6 ||
                         setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0);
    if (set_up && bind(fd.get(), at.ai_addr, at.ai_addrlen) == 0 && listen(fd.get(), kBacklog) == 0)
        return fd;
    const int problem = errno;
    fd.reset();
    errno = problem;
    return fd;
}

std::vector<UniqueFd> listen_at_port(const SocketAddress& address) {
    const AddressList list = resolve(address, AI_PASSIVE);
    std::vector<UniqueFd> listeners;
    // A host may lack one version of IP, whatever the resolver says of it.
    for (const addrinfo* at = list.get(); at; at = at->ai_next)
        if (UniqueFd fd = try_to_listen(*at))
            listeners.push_back(std::move(fd));
    if (listeners.empty())
        throw errno_error("listen at '{}' port '{}'", address.host, address.port);
    return listeners;
}

UniqueFd connect_to_port(const SocketAddress& address) {
    const AddressList list = resolve(address, 0);
    for (const addrinfo* at = list.get(); at; at = at->ai_next) {
        UniqueFd fd(socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (fd && connect(fd.get(), at->ai_addr, at->ai_addrlen) == 0)
            return fd;
    }
    throw errno_error("connect to '{}' port '{}'", address.host, address.port);
}

}  // namespace

std::vector<UniqueFd> open_listeners(const SocketAddress& address) {
    std::vector<UniqueFd> listeners;
    if (address.path.empty())
        listeners = listen_at_port(address);
    else
        listeners.push_back(listen_at_path(address.path));
    for (const UniqueFd& listener : listeners)
        set_nonblocking(listener.get(), true);
    return listeners;
}

UniqueFd open_connection(const SocketAddress& address) {
    UniqueFd fd = address.path.empty() ? connect_to_port(address) : connect_to_path(address.path);
    set_nodelay(fd.get(), address);
    return fd;
}

UniqueFd connect_from_path(const std::string& path, const std::string& own_path) {
    const sockaddr_un address = unix_address(path);
    const sockaddr_un own_address = unix_address(own_path);
    UniqueFd fd = make_unix_socket();
    set_nonblocking(fd.get(), true);
    unlink(own_path.c_str());
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&own_address), sizeof(own_address)) < 0)
        throw errno_error("bind a socket to '{}'", own_path);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0)
        throw errno_error("connect to '{}'", path);
    return fd;
}

void require_stream_socket(int fd, bool listening) {
    int accepts = 0;
    socklen_t size = sizeof(accepts);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) < 0)
        throw errno_error("use descriptor {} as a socket", fd);
    if ((accepts != 0) != listening)
        throw Error(ErrorCode::kInvalidArgument,
                    accepts ? Text("the socket of descriptor {} listens", fd)
                            : Text("the socket of descriptor {} does not listen", fd));
}

void set_nodelay(int fd, const SocketAddress& address) {
    const int on = 1;
    // Of no meaning for a unix socket, and a connection is not worse for it if it fails.
    if (address.nodelay)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace cpr::controller
