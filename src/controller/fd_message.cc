// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/fd_message.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace cpr::controller {
namespace {

using Space = std::array<char, CMSG_SPACE(sizeof(int) * kMostFds)>;

Error ended() {
    return Error(ErrorCode::kVmmGone, "the process at the other end has ended");
}

std::vector<UniqueFd> take_fds(msghdr& message) {
    std::vector<UniqueFd> fds;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            for (size_t at = 0; at + sizeof(int) <= header->cmsg_len - CMSG_LEN(0);
                 at += sizeof(int)) {
                int fd = -1;
                memcpy(&fd, CMSG_DATA(header) + at, sizeof(fd));
                fds.emplace_back(fd);
            }
    return fds;
}

void wait_for_message(int socket, std::chrono::milliseconds deadline) {
    pollfd wait{socket, POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(deadline.count()));
    if (ready == 0)
        throw Error(ErrorCode::kTimeout, "no message came within {} ms", deadline.count());
    if (ready < 0 && errno != EINTR)
        throw errno_error("wait for a message");
}

}  // namespace

std::pair<UniqueFd, UniqueFd> make_message_pair() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        throw errno_error("make a socket pair");
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void send_message(int socket, std::string_view text, std::span<const int> fds) {
    iovec content{const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) Space space{};
    msghdr message{};
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = space.data();
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size_bytes());
        memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
    }
    ssize_t sent = -1;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
        throw ended();
    if (sent < 0)
        throw errno_error("send a message with descriptors");
}

FdMessage receive_message(int socket, std::chrono::milliseconds deadline) {
    wait_for_message(socket, deadline);
    FdMessage result;
    result.text.resize(kLongestMessage);
    iovec content{result.text.data(), result.text.size()};
    alignas(cmsghdr) Space space{};
    msghdr message{};
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    ssize_t got = -1;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got == 0 || (got < 0 && errno == ECONNRESET))
        throw ended();
    if (got < 0)
        throw errno_error("receive a message with descriptors");
    result.fds = take_fds(message);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        throw Error(ErrorCode::kSystem, "a message with descriptors was cut short");
    result.text.resize(static_cast<size_t>(got));
    return result;
}

}  // namespace cpr::controller
