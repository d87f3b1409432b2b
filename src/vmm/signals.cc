// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"

namespace cpr::vmm {
namespace {

sigset_t ending_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP})
        sigaddset(&set, number);
    return set;
}

}  // namespace

void set_up_signals() {
    const sigset_t set = ending_signals();
    pthread_sigmask(SIG_SETMASK, &set, nullptr);
    // A reader of a pipe or socket that is gone shows as an error of write.
    signal(SIGPIPE, SIG_IGN);
}

UniqueFd open_signals() {
    const sigset_t set = ending_signals();
    UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd)
        throw errno_error("make a descriptor for signals");
    return fd;
}

int read_signal(int fd) {
    signalfd_siginfo info{};
    return read(fd, &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace cpr::vmm
