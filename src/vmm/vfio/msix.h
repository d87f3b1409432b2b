// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_MSIX_H
#define CPR_VMM_VFIO_MSIX_H

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "state/fd_table.h"
#include "vmm/core/interrupts.h"
#include "vmm/vfio/vfio_api.h"

namespace cpr::vmm {

struct MsixState {
    static constexpr bool kFielded = true;
    std::vector<uint8_t> table;   // as the guest sees it: 16 bytes a vector
    std::vector<uint8_t> events;  // by vector: 1 if it has an eventfd that the kernel signals
    uint32_t armed = 0;           // vectors that the kernel has enabled; 0: MSI-X is off
    bool enabled = false;         // message control
    bool masked = false;          // function mask

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.table, self.events, self.armed, self.enabled, self.masked);
    }
};

// The MSI-X interrupts of a passthrough device (PCI Local Bus Specification 3.0, 6.8.2): table and
// pending bits are emulated; the kernel signals an eventfd per vector, and KVM turns that into the
// guest's message for as long as the vector is unmasked. While it is masked, or detached for a
// checkpoint, the signal stays in the eventfd, which so is the pending bit.
// Calls need the machine lock. What the guest does never throws.
class Msix {
  public:
    static constexpr size_t kEntrySize = 16;

    // `state` is the owner's and outlives this; `device` and `name` are the VFIO device and what
    // errors call it. At a restore `fds` has the eventfds, and nothing is attached until
    // attach_interrupts(). Throws Error kCorruptState.
    struct Setup {
        VfioApi& api;
        InterruptController& interrupts;
        int device;
        std::string name;
        uint32_t vectors;
    };
    Msix(Setup setup, MsixState& state, state::IncomingFds* fds);

    uint32_t vectors() const { return static_cast<uint32_t>(vectors_.size()); }
    size_t table_size() const { return vectors_.size() * kEntrySize; }
    size_t pba_size() const { return (vectors_.size() + 63) / 64 * 8; }

    // The guest wrote message control.
    void set_control(bool enabled, bool masked);
    // Any offset and size.
    void read_table(uint64_t offset, std::span<uint8_t> data) const;
    void write_table(uint64_t offset, std::span<const uint8_t> data);
    void read_pending(uint64_t offset, std::span<uint8_t> data) const;
    // Back to power-on: interrupts off, all vectors masked.
    void reset();

    void keep(state::OutgoingFds& fds) const;
    void detach_interrupts();
    // Throws Error.
    void attach_interrupts();

  private:
    struct Vector {
        UniqueFd event;
        std::unique_ptr<MsiRoute> route;
        bool attached = false;
        bool complained = false;
    };

    std::string fd_name() const;
    bool is_masked(uint32_t vector) const;
    void enable();
    void disable();
    void arm(uint32_t vector);
    void attach(uint32_t vector);
    void apply(uint32_t vector);
    void apply_all();

    Setup setup_;
    MsixState& state_;
    bool resizable_;
    bool detached_;  // for a checkpoint, or not yet attached at a restore
    std::vector<Vector> vectors_;
};

}  // namespace cpr::vmm

#endif
