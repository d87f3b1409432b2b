// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_ENTRY_ORDER_H
#define CPR_CONTROLLER_QEMU_ENTRY_ORDER_H

#include <chrono>
#include <cstdint>
#include <functional>

#include "base/event_loop.h"
#include "controller/qemu/run_watch.h"
#include "controller/vmm_calls.h"

namespace cpr::controller::qemu {

// The `cont` that gives a guest to the new QEMU: the point of no return of mode transfer. It is
// sent ahead but for its last byte, which the loop's thread sends the moment that the guest may go
// on, for it is paused: the new QEMU has loaded it, and the old one has said that it has let it go.
// That one runs it on by itself unless it hears from the new one in time, so that the new one's
// word is not enough. On the job's thread.
class EntryOrder {
  public:
    // The two QEMUs, and the new one's monitor, which is the order's alone until it is given.
    struct Between {
        RunWatch& old_one;
        RunWatch& new_one;
        VmmCalls& calls;
    };

    // `wanted` is asked at that moment, on the loop's thread; if it says no, the order is not
    // given.
    EntryOrder(EventLoop& loop, Between between, std::function<bool()> wanted);
    ~EntryOrder();
    EntryOrder(const EntryOrder&) = delete;
    EntryOrder& operator=(const EntryOrder&) = delete;

    // It will not be given any more. Returns false if it has been.
    bool withdraw();
    // QEMU has done what it was told: when that was, in ns of CLOCK_MONOTONIC. Throws Error: QEMU's
    // own, kTimeout, kVmmGone, or kInternal if the order has not been given.
    int64_t wait(std::chrono::milliseconds deadline);

  private:
    enum class State { kHeld, kGiven, kWithdrawn };

    void place();
    void look();

    EventLoop& loop_;
    const Between between_;
    const std::function<bool()> wanted_;
    VmmCalls::Ahead answer_;
    // On the loop's thread.
    State state_ = State::kHeld;
    int64_t given_ns_ = 0;
};

}  // namespace cpr::controller::qemu

#endif
