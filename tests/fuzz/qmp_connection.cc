// SPDX-License-Identifier: LGPL-2.1-or-later
// A QMP peer that sends pieces of any size, some with descriptors. A piece is its size, a number of
// descriptors (two bits), and its bytes.
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "fuzz/fuzz.h"
#include "qmp/connection.h"

namespace {

using namespace cpr;

void send_piece(int socket, std::span<const uint8_t> bytes, size_t fds) {
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
    iovec part{const_cast<uint8_t*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (fds > 0) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(fds * sizeof(int));
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds * sizeof(int));
        for (size_t i = 0; i < fds; ++i)
            reinterpret_cast<int*>(CMSG_DATA(rights))[i] = STDERR_FILENO;
    }
    (void)!sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// The first bit says whether there is a handler for what is no JSON, as a server has.
void run(fuzz::Input input) {
    const bool tolerant = (input.byte() & 1) != 0;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        std::abort();
    const UniqueFd peer(pair[0]);
    EventLoop loop;
    bool closed = false;
    qmp::Connection::Handlers handlers;
    handlers.on_message = [&](const nlohmann::json& message, std::vector<UniqueFd> fds) {
        fuzz::require(message.is_object() && !closed, "a message is an object");
        for (const UniqueFd& fd : fds)
            fuzz::require((fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0, "it is close-on-exec");
    };
    handlers.on_closed = [&](const std::string&) {
        fuzz::require(!closed, "a connection ends once");
        closed = true;
    };
    if (tolerant)
        handlers.on_invalid = [](const std::string&) {};
    qmp::Connection connection(loop, UniqueFd(pair[1]), handlers);
    while (!input.empty()) {
        const uint8_t head = input.byte();
        const auto bytes = input.take(1 + (head >> 2));
        if (!bytes.empty())
            send_piece(peer.get(), bytes, head & 3);
        loop.iterate(false);
    }
    shutdown(peer.get(), SHUT_WR);
    while (!closed)
        loop.iterate(true);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return fuzz::run_without_leak(run, data, size);
}
