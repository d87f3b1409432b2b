// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_MSIX_H
#define CPR_VMM_VFIO_MSIX_H

#include "vmm/vfio/message_interrupts.h"

namespace cpr::vmm {

struct MsixState {
    static constexpr bool kFielded = true;
    std::vector<uint8_t> table;  // as the guest sees it: 16 bytes a vector
    ArmedVectors vectors;
    bool enabled = false;  // message control
    bool masked = false;   // function mask

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.table, self.vectors, self.enabled, self.masked);
    }
};

// The MSI-X interrupts of a passthrough device (PCI Local Bus Specification 3.0, 6.8.2): table and
// pending bits are emulated. What the guest does never throws.
class Msix final : public MessageInterrupts {
  public:
    static constexpr size_t kEntrySize = 16;

    // `state` is the owner's and outlives this. Throws Error kCorruptState.
    Msix(Setup setup, MsixState& state, state::IncomingFds* fds);

    size_t table_size() const { return vectors() * kEntrySize; }
    size_t pba_size() const { return size_t{(vectors() + 63) / 64} * 8; }

    // The guest wrote message control.
    void set_control(bool enabled, bool masked);
    // Any offset and size.
    void read_table(uint64_t offset, std::span<uint8_t> data) const;
    void write_table(uint64_t offset, std::span<const uint8_t> data);
    // Puts the pending bits of armed vectors over the device's own, which are right for those that
    // the guest has never unmasked: the device itself has them masked.
    void overlay_pending(uint64_t offset, std::span<uint8_t> data) const;
    // Back to power-on: interrupts off, all vectors masked.
    void reset();

  private:
    std::optional<Message> message(uint32_t vector) const override;
    void enable();

    MsixState& state_;
};

}  // namespace cpr::vmm

#endif
