// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_VFIO_CONFIG_H
#define CPR_VMM_VFIO_VFIO_CONFIG_H

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vmm/pci/pci_config.h"
#include "vmm/vfio/msi.h"
#include "vmm/vfio/vfio_api.h"

namespace cpr::vmm {

// The configuration space of a passthrough device: which bits the guest sees of the device, and
// which are emulated (those are in a PciConfig; all others are 0 there). Capabilities that cannot
// work in a guest are taken out of the lists. Reads the device only, until the guest writes.
class VfioConfig {
  public:
    // Everything is borrowed.
    VfioConfig(VfioApi& api, int device, VfioRegion region, PciConfig& config);

    // Sets the emulated bits up.
    struct Shape {
        bool behind_port = false;  // the function is on a link, not on the root bus
        // What the guest gets to see of the device's interrupts, beside MSI-X.
        bool show_msi = true;
        bool show_intx = true;
    };
    void build(const Shape& shape);

    // Offsets of capabilities, 0 if the device lacks them.
    uint8_t msix() const { return msix_; }
    uint8_t power() const { return power_; }
    // Nothing if the device has none, or the guest does not see it.
    const std::optional<MsiLayout>& msi() const { return msi_; }
    // The guest sees an interrupt pin.
    bool has_pin() const;
    // Whether a write of the guest asks the function to reset itself (function-level reset).
    bool asks_for_reset(size_t offset, std::span<const uint8_t> data) const;
    // The device's own value.
    uint32_t device_value(size_t offset, size_t size) const;

    void read(size_t offset, std::span<uint8_t> data) const;
    // Passes a guest's write on to the device, without the emulated bytes; the PciConfig must have
    // it already.
    void pass_on(size_t offset, std::span<const uint8_t> data);
    // Writes the command register as emulated. A pin that the guest does not see stays off.
    void pass_on_command();

  private:
    void emulate(size_t offset, uint64_t value, size_t size);
    void emulate_bits(size_t offset, uint64_t value, uint64_t mask, size_t size);
    void build_header(bool show_intx);
    void build_capabilities(const Shape& shape);
    void build_capability(uint8_t id, uint8_t offset, bool behind_port);
    void build_extended_capabilities();
    void build_msi(uint8_t offset);
    void build_msix(uint8_t offset);
    void build_express(uint8_t offset, bool behind_port);

    VfioApi& api_;
    int device_;
    VfioRegion region_;
    PciConfig& config_;
    std::vector<uint8_t> emulated_;  // bit masks
    uint8_t msix_ = 0;
    uint8_t power_ = 0;
    uint8_t express_ = 0;
    uint8_t advanced_ = 0;  // Advanced Features
    std::optional<MsiLayout> msi_;
};

}  // namespace cpr::vmm

#endif
