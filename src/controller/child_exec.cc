// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/child_exec.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/error.h"

namespace cpr::controller {

Pipe::Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        throw errno_error("make a pipe");
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
}

std::vector<char*> argument_pointers(const std::vector<std::string>& arguments) {
    std::vector<char*> pointers;
    for (const std::string& argument : arguments)
        pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

void default_signals() {
    for (const int signal_number : {SIGPIPE, SIGHUP, SIGINT, SIGTERM})
        signal(signal_number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

bool place_descriptors(std::span<const std::pair<int, int>> placed, std::span<int> spare,
                       std::span<int* const> own) {
    int above = 3;
    for (const auto& [from, to] : placed)
        above = std::max(above, to + 1);
    for (int* fd : own)
        if ((*fd = fcntl(*fd, F_DUPFD_CLOEXEC, above)) < 0)
            return false;
    for (size_t i = 0; i < placed.size(); ++i)
        if ((spare[i] = fcntl(placed[i].first, F_DUPFD_CLOEXEC, above)) < 0)
            return false;
    for (size_t i = 0; i < placed.size(); ++i) {
        if (dup3(spare[i], placed[i].second, O_CLOEXEC) < 0)
            return false;
        close(spare[i]);
    }
    return true;
}

void tell_failure(int failure) {
    const int error = errno;
    [[maybe_unused]] const ssize_t written = write(failure, &error, sizeof(error));
    _exit(127);
}

void exec_or_tell(int binary, char* const* argv, const std::vector<int>& inherited, int failure) {
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    for (const int fd : inherited)
        if (fcntl(fd, F_SETFD, 0) < 0)
            tell_failure(failure);
    execveat(binary, "", argv, environ, AT_EMPTY_PATH);
    tell_failure(failure);
}

int exec_failure(int failure) {
    int error = 0;
    ssize_t got = 0;
    do
        got = read(failure, &error, sizeof(error));
    while (got < 0 && errno == EINTR);
    return got == sizeof(error) ? error : 0;
}

}  // namespace cpr::controller
