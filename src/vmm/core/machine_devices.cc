// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/machine_devices.h"

#include <algorithm>

#include "base/error.h"
#include "vmm/device/acpi_pm.h"
#include "vmm/device/catalog.h"
#include "vmm/device/cmos_rtc.h"
#include "vmm/device/reset_control.h"
#include "vmm/pci/pci_host.h"

namespace cpr::vmm {

MachineDevices::~MachineDevices() {
    // In reverse, since later ones are on buses of earlier ones.
    while (!devices_.empty())
        devices_.pop_back();
}

void MachineDevices::build(const MachineConfig& config, DeviceContext context) {
    auto pci = std::make_unique<PciHost>(context);
    context.pci = pci_ = pci.get();
    devices_.push_back(std::move(pci));
    auto power = std::make_unique<AcpiPm>(context);
    power_ = power.get();
    devices_.push_back(std::move(power));
    devices_.push_back(std::make_unique<CmosRtc>(context, config.rtc_utc));
    devices_.push_back(std::make_unique<ResetControl>(context));
    for (size_t port = 0; port < config.serials.size(); ++port)
        if (!config.serials[port].empty())
            add({"isa-serial",
                 fmt::format("serial{}", port),
                 {{"chardev", config.serials[port]}, {"index", std::to_string(port)}}},
                config, context);
    for (const DeviceConfig& device : config.devices)
        add(device, config, context);
}

void MachineDevices::add(DeviceConfig device, const MachineConfig& config,
                         const DeviceContext& context) {
    const DeviceType* type = find_device_type(device.driver);
    if (!type)
        throw Error(ErrorCode::kUnsupported, "device '{}' is not supported", device.driver);
    if (device.id.empty())
        device.id = fmt::format("{}#{}", device.driver, devices_.size());
    for (const auto& other : devices_)
        if (other->id() == device.id)
            throw Error(ErrorCode::kInvalidArgument, "two devices have the id '{}'", device.id);
    const auto same_type = [&](const DeviceConfig& other) { return other.driver == device.driver; };
    if (type->only_one && std::ranges::count_if(config.devices, same_type) > 1)
        throw Error(ErrorCode::kInvalidArgument, "a guest has at most one '{}'", device.driver);
    devices_.push_back(type->make(device, context));
}

}  // namespace cpr::vmm
