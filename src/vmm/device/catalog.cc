// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/device/catalog.h"

#include <algorithm>

#include "vmm/pci/pci_host.h"
#include "vmm/pci/root_port.h"

namespace cpr::vmm {

std::span<const DeviceType> device_catalog() {
    static const std::vector<DeviceType> kCatalog{
        {.driver = "pci-host",
         .on_command_line = false,
         .is_pci = false,
         .sections = {{PciHostState::kKind, PciHostState::kVersion, 1}},
         .properties = {},
         .make = [](const DeviceConfig&, const DeviceContext& context) -> std::unique_ptr<Device> {
             return std::make_unique<PciHost>(context);
         }},
        {.driver = "pcie-root-port",
         .on_command_line = true,
         .is_pci = true,
         .sections = {{RootPortState::kKind, RootPortState::kVersion, 1}},
         .properties = {{"port", "uint8", "number of the port in its link capabilities"},
                        {"chassis", "uint8", "slot number if 'slot' is not given"},
                        {"slot", "uint16", "physical slot number"},
                        {"multifunction", "bool", "the slot has several functions"}},
         .make = make_root_port},
    };
    return kCatalog;
}

const DeviceType* find_device_type(std::string_view driver) {
    const auto types = device_catalog();
    const auto found = std::ranges::find(types, driver, &DeviceType::driver);
    return found == types.end() ? nullptr : &*found;
}

std::vector<StateKind> state_kinds() {
    std::vector<StateKind> kinds;
    for (const DeviceType& type : device_catalog())
        kinds.insert(kinds.end(), type.sections.begin(), type.sections.end());
    return kinds;
}

}  // namespace cpr::vmm
