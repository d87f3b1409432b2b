// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_PCI_PCI_HOST_H
#define CPR_VMM_PCI_PCI_HOST_H

#include <map>
#include <memory>
#include <set>
#include <string>

#include "vmm/core/bus.h"
#include "vmm/core/device.h"
#include "vmm/pci/pci_bus.h"
#include "vmm/pci/pci_function.h"

namespace cpr::vmm {

struct PciHostState {
    static constexpr std::string_view kKind = "pci-host";
    static constexpr uint16_t kVersion = 1;
    uint32_t config_address = 0;  // the register at port 0xcf8
    PciFunctionState bridge;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.config_address, self.bridge);
    }
};

// The PCI Express root complex: bus "pcie.0" with the host bridge at 00:00.0, and the two ways to
// configuration space, ports 0xcf8/0xcfc and ECAM. Machine makes one before all PCI devices (with
// DeviceContext::pci null, the others get it there) and destroys it after them.
//
// Machine's part: at a cold start assign_resources() when all devices are there; at a reset
// Device::reset() of all devices and then assign_resources(); at a restore neither.
class PciHost final : public StatefulDevice<PciHostState> {
  public:
    static constexpr const char* kId = "pcie.0";

    // Throws Error, or kCorruptState at a restore.
    explicit PciHost(const DeviceContext& context);
    ~PciHost() override;

    void reset() override;
    // Levels are not part of the interrupt controllers' state.
    void attach_interrupts() override;

    // Does what firmware does: bus numbers, BARs, bridge windows, decoding, interrupt lines. Throws
    // Error kUnsupported if the devices' BARs do not fit.
    void assign_resources();

    // A bus by id; "" is the root bus. Throws Error kInvalidArgument, which names the bus.
    PciBus& bus(std::string_view id);
    PciBus& root() { return root_; }
    // For bridges: their secondary bus comes and goes with them.
    void add_bus(PciBus& bus);
    void remove_bus(PciBus& bus);

    // The function that a configuration access reaches, by the bus numbers in the bridges; null if
    // there is none.
    PciFunction* find(uint8_t bus_number, uint8_t devfn) const;

    // For PciFunction: wired-or at the line.
    void set_intx(const PciFunction& function, uint32_t gsi, bool level);

  private:
    class HostBridge;
    class ConfigPorts;
    class Ecam;

    PciFunction* selected(uint64_t port_offset, size_t& config_offset) const;

    InterruptController& interrupts_;
    Bus& ports_;
    Bus& mmio_;
    PciBus root_;
    std::map<std::string, PciBus*, std::less<>> buses_;
    std::map<uint32_t, std::set<const PciFunction*>> asserted_;  // by GSI
    std::unique_ptr<HostBridge> bridge_;
    std::unique_ptr<ConfigPorts> address_port_;
    std::unique_ptr<ConfigPorts> data_port_;
    std::unique_ptr<Ecam> ecam_;
};

}  // namespace cpr::vmm

#endif
