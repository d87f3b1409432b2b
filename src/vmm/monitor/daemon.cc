// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/monitor/daemon.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "base/io.h"

namespace cpr::vmm {

Daemon::Daemon() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        throw errno_error("make a pipe");
    const UniqueFd child(ends[0]);
    parent_.reset(ends[1]);
    const pid_t pid = fork();
    if (pid < 0)
        throw errno_error("fork");
    if (pid > 0) {
        parent_.reset();
        char byte = 0;
        ssize_t got = 0;
        do
            got = read(child.get(), &byte, 1);
        while (got < 0 && errno == EINTR);
        _exit(got == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    setsid();
}

void Daemon::ready() {
    const UniqueFd null = open_file("/dev/null", O_RDWR);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (dup2(null.get(), fd) < 0)
            throw errno_error("redirect standard input and output");
    if (write(parent_.get(), "", 1) != 1)
        throw errno_error("report to the parent process");
    parent_.reset();
}

void write_pid_file(const std::string& path) {
    const UniqueFd file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    const std::string text = fmt::format("{}\n", getpid());
    if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw errno_error("write '{}'", path);
}

}  // namespace cpr::vmm
