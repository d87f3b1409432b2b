// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_DEVICE_CATALOG_H
#define CPR_VMM_DEVICE_CATALOG_H

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "vmm/core/device.h"
#include "vmm/core/machine_config.h"

namespace cpr::vmm {

// A property of a -device: its name, QAPI type ("str", "bool", "uint32", "OnOffAuto"...) and what
// it means, as device-list-properties shows them.
struct PropertyInfo {
    std::string_view name;
    std::string_view type;
    std::string_view description;
};

// A kind of state section: the version that this program writes, and the oldest that it reads.
struct StateKind {
    std::string_view kind;
    uint16_t version;
    uint16_t min_version;
};

// Builds a device: `config` has the unique id and the properties, which the factory checks. Throws
// Error kInvalidArgument, which names the property, or kCorruptState.
using DeviceFactory = std::unique_ptr<Device> (*)(const DeviceConfig& config,
                                                  const DeviceContext& context);

// A type of device.
struct DeviceType {
    std::string_view driver;          // the name in -device, or the name of a platform device
    bool on_command_line;             // else the machine makes it
    bool is_pci;                      // has the properties bus and addr, too
    std::vector<StateKind> sections;  // empty: it has no state
    std::vector<PropertyInfo> properties;
    DeviceFactory make;
    bool only_one = false;  // a guest cannot have several
};

// THE list of the device types. A new device adds its line to catalog.cc, and nothing elsewhere.
std::span<const DeviceType> device_catalog();
// Null if there is none.
const DeviceType* find_device_type(std::string_view driver);

// Every kind of section that the devices of this program can read.
std::vector<StateKind> state_kinds();

}  // namespace cpr::vmm

#endif
