// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/device/catalog.h"

#include <algorithm>

namespace cpr::vmm {

std::span<const DeviceType> device_catalog() {
    static const std::vector<DeviceType> kCatalog{};
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
