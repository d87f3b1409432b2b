// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_MSI_H
#define CPR_VMM_VFIO_MSI_H

#include "vmm/pci/pci_config.h"
#include "vmm/vfio/message_interrupts.h"

namespace cpr::vmm {

// The rest of the state is in the registers.
struct MsiState {
    static constexpr bool kFielded = true;
    ArmedVectors vectors;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.vectors);
    }
};

// Where the registers of an MSI capability are, by its message control.
class MsiLayout {
  public:
    MsiLayout(uint8_t offset, uint16_t control) : offset_(offset), control_(control) {}

    size_t begin() const { return offset_; }
    size_t control() const;
    size_t address() const;
    size_t data() const;
    size_t mask() const;
    size_t pending() const;
    size_t size() const;
    bool has_wide_address() const;
    bool has_masks() const;
    // What the device can have: 1, 2, 4, 8, 16 or 32.
    uint32_t vectors() const;

  private:
    uint8_t offset_;
    uint16_t control_;
};

// The MSI interrupts of a passthrough device (PCI Local Bus Specification 3.0, 6.8.1), as the
// emulated registers in the device's PciConfig say, masks and pending bits included. What the guest
// does never throws.
class Msi final : public MessageInterrupts {
  public:
    // `config` and `state` are the owner's and outlive this. Throws Error kCorruptState.
    Msi(Setup setup, MsiLayout layout, PciConfig& config, MsiState& state, state::IncomingFds* fds);

    const MsiLayout& layout() const { return layout_; }
    // What the guest asks for.
    bool is_enabled() const;
    // Follows the registers, as long as they say that it is enabled.
    void update();
    // Brings the register of the pending bits up to date.
    void refresh_pending();

  private:
    std::optional<Message> message(uint32_t vector) const override;
    uint32_t enabled_vectors() const;

    MsiLayout layout_;
    PciConfig& config_;
    const ArmedVectors& armed_;
};

}  // namespace cpr::vmm

#endif
