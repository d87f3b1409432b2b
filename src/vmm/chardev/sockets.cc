// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/chardev/sockets.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/error.h"

namespace cpr::vmm {
namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path))
        throw Error(ErrorCode::kInvalidArgument, "the socket path '{}' is longer than {} bytes",
                    path, sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path.data(), path.size());
    return address;
}

UniqueFd make_socket(const std::string& path, bool server) {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        throw errno_error("make a socket");
    const sockaddr_un address = address_of(path);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (!server) {
        if (connect(fd.get(), generic, sizeof(address)) < 0)
            throw errno_error("connect to '{}'", path);
        return fd;
    }
    if (unlink(path.c_str()) < 0 && errno != ENOENT)
        throw errno_error("remove the old socket '{}'", path);
    if (bind(fd.get(), generic, sizeof(address)) < 0 || listen(fd.get(), 1) < 0)
        throw errno_error("listen on '{}'", path);
    return fd;
}

UniqueFd take_passed(const ChardevConfig& config) {
    int listening = 0;
    socklen_t size = sizeof(listening);
    if (getsockopt(config.fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0)
        throw errno_error("use the passed-in descriptor {} as a socket", config.fd);
    if ((listening != 0) != config.server)
        throw Error(
            ErrorCode::kInvalidArgument,
            listening
                ? Text("descriptor {} is a listening socket: it needs server=on", config.fd)
                : Text("descriptor {} is a connected socket: it needs server=off", config.fd));
    set_cloexec(config.fd, true);
    return UniqueFd(config.fd);
}

std::string path_of(int fd) {
    sockaddr_un address{};
    socklen_t size = sizeof(address);
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) < 0 ||
        size <= offsetof(sockaddr_un, sun_path))
        return {};
    return {address.sun_path, strnlen(address.sun_path, size - offsetof(sockaddr_un, sun_path))};
}

}  // namespace

UniqueFd open_socket(const ChardevConfig& config) {
    try {
        UniqueFd fd =
            config.fd >= 0 ? take_passed(config) : make_socket(config.path, config.server);
        set_nonblocking(fd.get(), true);
        return fd;
    } catch (const Error& error) {
        throw error.within(Text("chardev '{}'", config.id));
    }
}

UniqueFd accept_client(int listener) {
    UniqueFd client(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const bool none = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    if (!client && !none)
        throw errno_error("accept a client");
    return client;
}

std::string socket_filename(const ChardevConfig& config, int fd, bool connected) {
    return fmt::format("{}unix:{}{}", connected ? "" : "disconnected:",
                       config.path.empty() ? path_of(fd) : config.path,
                       config.server ? ",server=on" : "");
}

}  // namespace cpr::vmm
