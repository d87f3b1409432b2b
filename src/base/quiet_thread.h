// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_QUIET_THREAD_H
#define CPR_BASE_QUIET_THREAD_H

#include <csignal>
#include <thread>
#include <utility>

namespace cpr {

// Starts a thread that takes no signals: they are for the threads that the program knows of.
template <typename Run>
std::thread start_quiet_thread(Run run) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread(std::move(run));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

}  // namespace cpr

#endif
