// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_DOORBELLS_H
#define CPR_VMM_CORE_DOORBELLS_H

#include <cstdint>
#include <functional>
#include <memory>

namespace cpr::vmm {

// A write to a port that does not leave KVM: the vCPU goes on at once, and whether the guest has
// rung is gathered until the main thread looks. Destroying it gives the write back to the port's
// BusDevice. Main thread.
class Doorbell {
  public:
    virtual ~Doorbell() = default;
    // Whether it has been rung, and nobody was told yet.
    virtual bool rung() const = 0;
    // As if the guest had written, for instance in the program before an update.
    virtual void ring() = 0;
    // Forgets that it was rung.
    virtual void clear() = 0;
};

// What KVM compares a write with.
struct DoorbellWrite {
    uint16_t port;
    uint32_t size;   // 1, 2 or 4 bytes; writes of other sizes are no rings
    uint32_t value;  // nor are writes of other values
    bool operator==(const DoorbellWrite&) const = default;
};

// Makes doorbells in KVM.
class Doorbells {
  public:
    virtual ~Doorbells() = default;
    // `on_ring` is called on the main thread without the machine lock, once for any number of
    // rings, and only while the guest runs: until then a ring waits in the doorbell. What a vCPU
    // asks for after a ring (a reset, say) is done after `on_ring`. Throws Error.
    virtual std::unique_ptr<Doorbell> make(const DoorbellWrite& write,
                                           std::function<void()> on_ring) = 0;
};

}  // namespace cpr::vmm

#endif
