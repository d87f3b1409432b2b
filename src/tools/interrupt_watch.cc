// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/interrupt_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <array>
#include <utility>

namespace cpr::tools {

namespace {

// As by nohup, or by a shell without job control for what it runs in the background.
bool is_ignored(int signal_number) {
    struct sigaction action {};
    return sigaction(signal_number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

InterruptWatch::InterruptWatch(std::function<void()> on_interrupt)
    : on_interrupt_(std::move(on_interrupt)) {
    sigemptyset(&interrupts_);
    for (int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
        if (!is_ignored(signal_number)) {
            sigaddset(&interrupts_, signal_number);
        }
    }
    pthread_sigmask(SIG_BLOCK, &interrupts_, &mask_before_);
    signal_fd_ = UniqueFd(signalfd(-1, &interrupts_, SFD_CLOEXEC | SFD_NONBLOCK));
    stop_fd_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
    thread_ = std::thread([this] { run(); });
}

InterruptWatch::~InterruptWatch() {
    eventfd_write(stop_fd_.get(), 1);
    thread_.join();
    pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

void InterruptWatch::run() {
    std::array<pollfd, 2> watched{pollfd{stop_fd_.get(), POLLIN, 0},
                                  pollfd{signal_fd_.get(), POLLIN, 0}};
    while (poll(watched.data(), watched.size(), -1) < 0) {
    }
    signalfd_siginfo taken{};
    if (watched[0].revents || read(signal_fd_.get(), &taken, sizeof taken) != sizeof taken) {
        return;
    }
    // From here on this thread takes the signal, with its default effect.
    pthread_sigmask(SIG_UNBLOCK, &interrupts_, nullptr);
    on_interrupt_();
    while (poll(watched.data(), 1, -1) < 0) {
    }
}

}  // namespace cpr::tools
