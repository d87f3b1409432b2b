// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_VFIO_CONFIG_H
#define CPR_VMM_VFIO_VFIO_CONFIG_H

#include <cstdint>
#include <span>
#include <vector>

#include "vmm/pci/pci_config.h"
#include "vmm/vfio/vfio_api.h"

namespace cpr::vmm {

// The configuration space of a passthrough device: which bits the guest sees of the device, and
// which are emulated (those are in a PciConfig; all others are 0 there). Capabilities that cannot
// work in a guest are taken out of the lists. Reads the device only, until the guest writes.
class VfioConfig {
  public:
    // Everything is borrowed.
    VfioConfig(VfioApi& api, int device, VfioRegion region, PciConfig& config);

    // Sets the emulated bits up. `behind_port`: the function is on a link, not on the root bus.
    void build(bool behind_port);

    // Offsets of capabilities, 0 if the device lacks them.
    uint8_t msix() const { return msix_; }
    uint8_t power() const { return power_; }
    bool has_msi() const { return has_msi_; }
    // The device's own value.
    uint32_t device_value(size_t offset, size_t size) const;

    void read(size_t offset, std::span<uint8_t> data) const;
    // Passes a guest's write on to the device, without the emulated bytes; the PciConfig must have
    // it already. Interrupt pins stay off.
    void pass_on(size_t offset, std::span<const uint8_t> data);
    // Writes the command register as emulated.
    void pass_on_command();

  private:
    void emulate(size_t offset, uint64_t value, size_t size);
    void emulate_bits(size_t offset, uint64_t value, uint64_t mask, size_t size);
    void build_header();
    void build_capabilities(bool behind_port);
    void build_extended_capabilities();
    void build_msix(uint8_t offset);
    void build_express(uint8_t offset, bool behind_port);

    VfioApi& api_;
    int device_;
    VfioRegion region_;
    PciConfig& config_;
    std::vector<uint8_t> emulated_;  // bit masks
    uint8_t msix_ = 0;
    uint8_t power_ = 0;
    bool has_msi_ = false;
};

}  // namespace cpr::vmm

#endif
