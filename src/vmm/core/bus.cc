// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/bus.h"

#include <algorithm>

#include "base/error.h"

namespace cpr::vmm {

void Bus::map(uint64_t base, uint64_t size, BusDevice& device, std::string name) {
    if (size == 0 || base + (size - 1) < base)
        throw Error(ErrorCode::kInvalidArgument, "{}: no range of {:#x} bytes at {:#x}", name, size,
                    base);
    const uint64_t last = base + (size - 1);
    for (const auto& [other_base, other] : ranges_) {
        const uint64_t other_last = other_base + (other.size - 1);
        const bool apart = last < other_base || base > other_last;
        const bool inside = base > other_base && last <= other_last;
        const bool around = base < other_base && last >= other_last;
        if (!apart && !inside && !around)
            throw Error(ErrorCode::kInvalidArgument,
                        "{} at {:#x}, {:#x} bytes, overlaps {} at {:#x}, {:#x} bytes", name, base,
                        size, other.name, other_base, other.size);
    }
    ranges_.emplace(base, Range{size, &device, std::move(name)});
}

void Bus::unmap(uint64_t base) {
    ranges_.erase(base);
}

bool Bus::overlaps(uint64_t base, uint64_t size) const {
    if (size == 0)
        return false;
    const uint64_t last = base + (size - 1);
    return std::ranges::any_of(ranges_, [&](const auto& item) {
        return item.first <= last && base <= item.first + (item.second.size - 1);
    });
}

// Ranges are apart or nested, so the first one that holds the access, going down from the address,
// is the innermost.
const Bus::Range* Bus::find(uint64_t address, uint64_t size, uint64_t& offset) const {
    auto next = ranges_.upper_bound(address);
    while (next != ranges_.begin()) {
        --next;
        offset = address - next->first;
        if (offset < next->second.size && size <= next->second.size - offset)
            return &next->second;
    }
    return nullptr;
}

bool Bus::read(uint64_t address, std::span<uint8_t> data) const {
    uint64_t offset = 0;
    const Range* range = find(address, data.size(), offset);
    if (!range) {
        std::ranges::fill(data, uint8_t{0xff});
        return false;
    }
    range->device->read(offset, data);
    return true;
}

bool Bus::write(uint64_t address, std::span<const uint8_t> data) const {
    uint64_t offset = 0;
    const Range* range = find(address, data.size(), offset);
    if (!range)
        return false;
    range->device->write(offset, data);
    return true;
}

}  // namespace cpr::vmm
