// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_PCI_ROOT_PORT_H
#define CPR_VMM_PCI_ROOT_PORT_H

#include "vmm/core/device.h"
#include "vmm/core/machine_config.h"
#include "vmm/pci/pci_bus.h"
#include "vmm/pci/pci_function.h"

namespace cpr::vmm {

struct RootPortState {
    static constexpr std::string_view kKind = "pcie-root-port";
    static constexpr uint16_t kVersion = 1;
    PciFunctionState pci;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.pci);
    }
};

// -device pcie-root-port: a PCI Express root port, whose secondary bus has the device's id.
// Interrupts of its own (hot plug, power management events) it has none.
class RootPort final : public StatefulDevice<RootPortState>, public PciFunction {
  public:
    // Throws Error kInvalidArgument, which names the device and the property.
    RootPort(const DeviceConfig& config, const DeviceContext& context);
    ~RootPort() override;

    void reset() override { reset_function(); }
    PciBus* secondary() override { return &bus_behind_; }
    using PciFunction::config_read;
    using PciFunction::config_write;
    void config_read(size_t offset, std::span<uint8_t> data) override;
    void config_write(size_t offset, std::span<const uint8_t> data) override;
    void bus_reset() override;

  private:
    void build_bridge_header();
    void build_express_capability(uint32_t port, uint32_t slot);
    void reset_bus_behind();

    PciHost& host_;
    PciBus bus_behind_;
    uint8_t express_ = 0;  // offset of the PCI Express capability
};

std::unique_ptr<Device> make_root_port(const DeviceConfig& config, const DeviceContext& context);

}  // namespace cpr::vmm

#endif
