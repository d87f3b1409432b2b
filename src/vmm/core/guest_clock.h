// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_GUEST_CLOCK_H
#define CPR_VMM_CORE_GUEST_CLOCK_H

#include <cstdint>
#include <string_view>

#include "vmm/core/kvm_api.h"

namespace cpr::vmm {

struct GuestClockState {
    static constexpr std::string_view kKind = "kvm-clock";
    static constexpr uint16_t kVersion = 1;
    uint64_t guest_ns = 0;
    uint64_t host_ns = 0;  // CLOCK_MONOTONIC_RAW at that moment: the same clock after an exec
    bool stopped = false;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.guest_ns, self.host_ns, self.stopped);
    }
};

// The guest's paravirtual clock (kvmclock). It stands while the guest is paused by its owner, as
// with QEMU. Over an update it goes on, by the clock that KVM itself derives it from: the pause is
// short and real, and the time stamp counters go on too, so both stay in step. Main thread.
class GuestClock {
  public:
    explicit GuestClock(KvmVm& vm) : vm_(vm) {}

    // vCPUs are stopped for these.
    void stop();
    void resume();
    GuestClockState save() const;
    void restore(const GuestClockState& state);

  private:
    struct Moment {
        uint64_t guest_ns = 0;
        uint64_t host_ns = 0;
    };
    Moment read() const;
    uint64_t now() const;
    void set(uint64_t guest_ns);

    KvmVm& vm_;
    bool stopped_ = false;
    uint64_t stopped_at_ns_ = 0;
};

}  // namespace cpr::vmm

#endif
