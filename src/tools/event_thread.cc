// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/event_thread.h"

#include <libvirt/libvirt.h>
#include <csignal>

namespace cpr::tools {

EventThread::EventThread() {
    if (virEventRegisterDefaultImpl() < 0) {
        return;  // progress then comes by asking
    }
    wake_timer_ = virEventAddTimeout(
        -1, [](int, void*) {}, nullptr, nullptr);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

EventThread::~EventThread() {
    is_stopping_ = true;
    if (wake_timer_ >= 0) {
        virEventUpdateTimeout(wake_timer_, 0);
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

void EventThread::run() {
    while (!is_stopping_) {
        if (virEventRunDefaultImpl() < 0) {
            return;
        }
    }
}

}  // namespace cpr::tools
