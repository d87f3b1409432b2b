// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"

namespace cpr {
namespace {

void change_flag(int fd, int get, int set, int flag, bool on) {
    const int flags = fcntl(fd, get);
    if (flags < 0 || fcntl(fd, set, on ? flags | flag : flags & ~flag) < 0)
        throw errno_error("change the flags of descriptor {}", fd);
}

}  // namespace

void UniqueFd::reset(int fd) {
    if (fd_ >= 0)
        close(fd_);
    fd_ = fd;
}

UniqueFd UniqueFd::dup() const {
    return dup_fd(fd_);
}

UniqueFd dup_fd(int fd) {
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        throw errno_error("duplicate descriptor {}", fd);
    return UniqueFd(copy);
}

std::vector<int> fd_numbers(std::span<const UniqueFd> fds) {
    std::vector<int> numbers;
    for (const UniqueFd& fd : fds)
        numbers.push_back(fd.get());
    return numbers;
}

void set_cloexec(int fd, bool on) {
    change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

void set_nonblocking(int fd, bool on) {
    change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

}  // namespace cpr
