// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/pci/pci_config.h"

#include <linux/pci_regs.h>

#include <algorithm>

#include "base/error.h"

namespace cpr::vmm {
namespace {

void add_bits(std::vector<uint8_t>& mask, size_t offset, uint64_t bits, size_t size) {
    for (size_t i = 0; i < size; ++i)
        mask[offset + i] |= static_cast<uint8_t>(bits >> (8 * i));
}

}  // namespace

PciConfig::PciConfig(std::vector<uint8_t>& bytes)
    : bytes_(bytes), writable_(kSize), clearable_(kSize), volatile_(kSize), used_(kLegacySize) {
    bytes_.assign(kSize, 0);
}

uint64_t PciConfig::get(size_t offset, size_t size) const {
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i)
        value |= uint64_t{bytes_[offset + i]} << (8 * i);
    return value;
}

void PciConfig::set(size_t offset, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i)
        bytes_[offset + i] = static_cast<uint8_t>(value >> (8 * i));
}

void PciConfig::make_writable(size_t offset, uint64_t mask, size_t size) {
    add_bits(writable_, offset, mask, size);
}

void PciConfig::make_write_1_to_clear(size_t offset, uint64_t mask, size_t size) {
    add_bits(clearable_, offset, mask, size);
}

void PciConfig::make_volatile(size_t offset, uint64_t mask, size_t size) {
    add_bits(volatile_, offset, mask, size);
}

bool PciConfig::is_free(size_t offset, size_t size) const {
    if (offset < PCI_STD_HEADER_SIZEOF || offset + size > kLegacySize)
        return false;
    return std::none_of(used_.begin() + static_cast<ptrdiff_t>(offset),
                        used_.begin() + static_cast<ptrdiff_t>(offset + size),
                        [](bool used) { return used; });
}

uint8_t PciConfig::add_capability(uint8_t id, uint8_t size, uint8_t offset) {
    size_t at = offset ? offset : PCI_STD_HEADER_SIZEOF;
    while (!offset && at + size <= kLegacySize && !is_free(at, size))
        at += 4;
    if (!is_free(at, size))
        throw Error(ErrorCode::kInternal, "no room for the PCI capability {:#x} of {} bytes", id,
                    size);
    std::fill_n(used_.begin() + static_cast<ptrdiff_t>(at), size, true);
    set8(at, id);
    set8(at + 1, get8(PCI_CAPABILITY_LIST));
    set8(PCI_CAPABILITY_LIST, static_cast<uint8_t>(at));
    set16(PCI_STATUS, get16(PCI_STATUS) | PCI_STATUS_CAP_LIST);
    return static_cast<uint8_t>(at);
}

uint8_t PciConfig::find_capability(uint8_t id) const {
    uint8_t at = get8(PCI_CAPABILITY_LIST);
    // A list has at most 48 entries; more is a loop.
    for (int i = 0; i < 48 && at >= PCI_STD_HEADER_SIZEOF; ++i) {
        if (get8(at) == id)
            return at;
        at = get8(at + 1U) & 0xfc;
    }
    return 0;
}

void PciConfig::read(size_t offset, std::span<uint8_t> data) const {
    for (size_t i = 0; i < data.size(); ++i)
        data[i] = offset < kSize && i < kSize - offset ? bytes_[offset + i] : 0xff;
}

void PciConfig::write(size_t offset, std::span<const uint8_t> data) {
    for (size_t i = 0; i < data.size() && offset < kSize && i < kSize - offset; ++i) {
        const size_t at = offset + i;
        const uint8_t kept = static_cast<uint8_t>(bytes_[at] & ~writable_[at]);
        const uint8_t written = data[i] & writable_[at];
        const uint8_t cleared = data[i] & clearable_[at];
        bytes_[at] = static_cast<uint8_t>((kept | written) & ~cleared);
    }
}

void PciConfig::restore(std::span<const uint8_t> saved) {
    if (saved.size() != kSize)
        throw Error(ErrorCode::kCorruptState, "the PCI configuration space has {} bytes",
                    saved.size());
    for (size_t i = 0; i < kSize; ++i) {
        const auto variable = static_cast<uint8_t>(writable_[i] | clearable_[i] | volatile_[i]);
        if ((saved[i] ^ bytes_[i]) & ~variable)
            throw Error(ErrorCode::kCorruptState,
                        "the PCI configuration space differs at {:#x}: saved {:#04x}, here {:#04x}",
                        i, saved[i], bytes_[i]);
    }
    std::copy(saved.begin(), saved.end(), bytes_.begin());
}

}  // namespace cpr::vmm
