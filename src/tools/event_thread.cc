// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/event_thread.h"

#include <libvirt/libvirt.h>

#include "base/quiet_thread.h"

namespace cpr::tools {

EventThread::EventThread() {
    if (virEventRegisterDefaultImpl() < 0) {
        return;  // progress then comes by asking
    }
    wake_timer_ = virEventAddTimeout(
        -1, [](int, void*) {}, nullptr, nullptr);
    thread_ = start_quiet_thread([this] { run(); });
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
