// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_INTERRUPT_WATCH_H
#define CPR_TOOLS_INTERRUPT_WATCH_H

#include <csignal>
#include <functional>
#include <thread>

#include "base/unique_fd.h"

namespace cpr::tools {

// While it lives, the first of the signals by which a user or the system ends programs (SIGINT,
// SIGTERM, SIGHUP) calls a function, from a thread of its own, instead of ending the program; a
// second one ends it as usual. Signals that the program was started to ignore stay ignored. Threads
// started before it must block them all.
class InterruptWatch {
  public:
    explicit InterruptWatch(std::function<void()> on_interrupt);
    InterruptWatch(const InterruptWatch&) = delete;
    InterruptWatch& operator=(const InterruptWatch&) = delete;
    ~InterruptWatch();

  private:
    void run();

    std::function<void()> on_interrupt_;
    sigset_t interrupts_{};
    sigset_t mask_before_{};
    UniqueFd signal_fd_;
    UniqueFd stop_fd_;
    std::thread thread_;
};

}  // namespace cpr::tools

#endif
