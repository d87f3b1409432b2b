// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/guest_clock.h"

#include <algorithm>
#include <ctime>
#include <limits>

namespace cpr::vmm {
namespace {

// A guest compares its clocks, and takes a difference of some tens of microseconds for a fault.
constexpr uint64_t kCloseNs = 10'000;
constexpr int kTries = 8;

uint64_t host_now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

void GuestClock::stop() {
    if (stopped_)
        return;
    stopped_at_ns_ = now();
    stopped_ = true;
}

void GuestClock::resume() {
    if (!stopped_)
        return;
    set(stopped_at_ns_);
    stopped_ = false;
}

GuestClockState GuestClock::save() const {
    if (stopped_)
        return {stopped_at_ns_, host_now_ns(), true};
    const Moment moment = read();
    return {moment.guest_ns, moment.host_ns, false};
}

void GuestClock::restore(const GuestClockState& state) {
    stopped_ = state.stopped;
    stopped_at_ns_ = state.guest_ns;
    const auto wanted = [&state](uint64_t host_ns) {
        const bool runs = !state.stopped && host_ns > state.host_ns;
        return state.guest_ns + (runs ? host_ns - state.host_ns : 0);
    };
    for (int i = 0; i < kTries; ++i) {
        set(wanted(host_now_ns()));
        if (stopped_)
            return;
        // This thread may have been interrupted before the clock was set.
        const Moment moment = read();
        const uint64_t is_to_be = wanted(moment.host_ns);
        if (std::max(moment.guest_ns, is_to_be) - std::min(moment.guest_ns, is_to_be) <= kCloseNs)
            return;
    }
}

// Between two readings this thread may be interrupted: of several tries the one counts in which
// the least time passed.
GuestClock::Moment GuestClock::read() const {
    Moment best;
    uint64_t least_ns = std::numeric_limits<uint64_t>::max();
    for (int i = 0; i < kTries && least_ns > kCloseNs; ++i) {
        const uint64_t before_ns = host_now_ns();
        const uint64_t guest_ns = now();
        const uint64_t passed_ns = host_now_ns() - before_ns;
        if (passed_ns < least_ns) {
            best = {guest_ns, before_ns + passed_ns / 2};
            least_ns = passed_ns;
        }
    }
    return best;
}

uint64_t GuestClock::now() const {
    kvm_clock_data data{};
    vm_.get(data);
    return data.clock;
}

void GuestClock::set(uint64_t guest_ns) {
    kvm_clock_data data{};
    data.clock = guest_ns;
    vm_.set(data);
}

}  // namespace cpr::vmm
