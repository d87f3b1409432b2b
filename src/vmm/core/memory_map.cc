// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/memory_map.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"

namespace cpr::vmm {
namespace {

constexpr uint64_t kPageMask = 0xfff;

void check(const MemoryRegion& region) {
    const uint64_t bits = region.gpa | region.size | reinterpret_cast<uint64_t>(region.host);
    if (region.size == 0 || (bits & kPageMask) != 0 || region.gpa + (region.size - 1) < region.gpa)
        throw Error(ErrorCode::kInvalidArgument,
                    "{}: {:#x} bytes at {:#x} is no whole number of pages", region.name,
                    region.size, region.gpa);
}

}  // namespace

void MemoryMap::add(const MemoryRegion& region) {
    check(region);
    const uint64_t last = region.gpa + (region.size - 1);
    std::vector<bool> used(regions_.size() + 1);
    for (const auto& [gpa, entry] : regions_) {
        const auto& [slot, other] = entry;
        if (gpa <= last && region.gpa <= gpa + (other.size - 1))
            throw Error(ErrorCode::kInvalidArgument, "{} at {:#x} overlaps {} at {:#x}",
                        region.name, region.gpa, other.name, gpa);
        if (slot < used.size())
            used[slot] = true;
    }
    const auto free = std::ranges::find(used, false);
    const auto slot = static_cast<uint32_t>(free - used.begin());

    slots_.set_slot(slot, region);
    size_t told = 0;
    try {
        for (; told < listeners_.size(); ++told)
            listeners_[told]->region_added(region);
    } catch (const Error&) {
        while (told > 0)
            listeners_[--told]->region_removed(region);
        slots_.clear_slot(slot);
        throw;
    }
    regions_.emplace(region.gpa, std::pair(slot, region));
}

void MemoryMap::remove(uint64_t gpa) {
    const auto found = regions_.find(gpa);
    if (found == regions_.end())
        return;
    const auto [slot, region] = found->second;
    // DMA ends before the guest's own access does, so that nothing is left to reach pages that
    // have another use by then.
    size_t told = 0;
    try {
        for (; told < listeners_.size(); ++told)
            listeners_[told]->region_removed(region);
    } catch (const Error&) {
        while (told > 0)
            listeners_[--told]->region_added(region);
        throw;
    }
    slots_.clear_slot(slot);
    regions_.erase(found);
}

void MemoryMap::add_listener(MemoryListener& listener, bool quietly) {
    if (!quietly) {
        auto next = regions_.begin();
        try {
            for (; next != regions_.end(); ++next)
                listener.region_added(next->second.second);
        } catch (const Error&) {
            while (next != regions_.begin())
                listener.region_removed((--next)->second.second);
            throw;
        }
    }
    listeners_.push_back(&listener);
}

void MemoryMap::remove_listener(MemoryListener& listener, bool quietly) {
    if (std::erase(listeners_, &listener) == 0 || quietly)
        return;
    for (const auto& [gpa, entry] : regions_) {
        try {
            listener.region_removed(entry.second);
        } catch (const Error& error) {
            log::warning("{}: {}", entry.second.name, error.message());
        }
    }
}

std::vector<MemoryRegion> MemoryMap::regions() const {
    std::vector<MemoryRegion> all;
    all.reserve(regions_.size());
    for (const auto& [gpa, entry] : regions_)
        all.push_back(entry.second);
    return all;
}

std::span<uint8_t> MemoryMap::ram(uint64_t gpa, uint64_t size) const {
    auto next = regions_.upper_bound(gpa);
    if (next == regions_.begin())
        return {};
    const MemoryRegion& region = (--next)->second.second;
    const uint64_t offset = gpa - region.gpa;
    if (!region.is_ram || offset >= region.size || size > region.size - offset)
        return {};
    return {static_cast<uint8_t*>(region.host) + offset, size};
}

uint64_t MemoryMap::ram_size() const {
    uint64_t total = 0;
    for (const auto& [gpa, entry] : regions_)
        if (entry.second.is_ram)
            total += entry.second.size;
    return total;
}

}  // namespace cpr::vmm
