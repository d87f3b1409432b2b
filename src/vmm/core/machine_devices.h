// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_MACHINE_DEVICES_H
#define CPR_VMM_CORE_MACHINE_DEVICES_H

#include <memory>
#include <vector>

#include "vmm/core/device.h"
#include "vmm/core/machine_config.h"

namespace cpr::vmm {

class AcpiPm;
class PciHost;

// The devices of a machine: those of the platform, then those of the command line. They know the
// kernel by the interfaces of their context only. Main thread.
class MachineDevices {
  public:
    MachineDevices() = default;
    ~MachineDevices();
    MachineDevices(const MachineDevices&) = delete;
    MachineDevices& operator=(const MachineDevices&) = delete;

    // Builds all; `context` has the VFIO manager, and all of it outlives this. Throws Error, and
    // what was built goes with this object.
    void build(const MachineConfig& config, DeviceContext context);

    // In the order of their making.
    const std::vector<std::unique_ptr<Device>>& all() const { return devices_; }
    PciHost& pci() { return *pci_; }
    AcpiPm& power() { return *power_; }

  private:
    void add(DeviceConfig device, const MachineConfig& config, const DeviceContext& context);

    std::vector<std::unique_ptr<Device>> devices_;
    PciHost* pci_ = nullptr;
    AcpiPm* power_ = nullptr;
};

}  // namespace cpr::vmm

#endif
