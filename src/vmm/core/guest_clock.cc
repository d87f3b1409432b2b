// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/guest_clock.h"

#include <ctime>

namespace cpr::vmm {
namespace {

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
    // The guest's time first: what lies between the two readings is then lost, never given twice.
    const uint64_t guest_ns = now();
    return {guest_ns, host_now_ns(), false};
}

void GuestClock::restore(const GuestClockState& state) {
    stopped_ = state.stopped;
    stopped_at_ns_ = state.guest_ns;
    const uint64_t host_ns = host_now_ns();
    const uint64_t elapsed = host_ns > state.host_ns ? host_ns - state.host_ns : 0;
    set(state.stopped ? state.guest_ns : state.guest_ns + elapsed);
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
