// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/msi.h"

#include <linux/pci_regs.h>

#include <algorithm>

#include "base/error.h"

namespace cpr::vmm {
namespace {

constexpr uint32_t kMostVectors = 32;

uint32_t capable(uint16_t control) {
    return std::min(1U << ((control & PCI_MSI_FLAGS_QMASK) >> 1), kMostVectors);
}

}  // namespace

size_t MsiLayout::control() const {
    return offset_ + size_t{PCI_MSI_FLAGS};
}

size_t MsiLayout::address() const {
    return offset_ + size_t{PCI_MSI_ADDRESS_LO};
}

size_t MsiLayout::data() const {
    return offset_ + (has_wide_address() ? size_t{PCI_MSI_DATA_64} : size_t{PCI_MSI_DATA_32});
}

size_t MsiLayout::mask() const {
    return offset_ + (has_wide_address() ? size_t{PCI_MSI_MASK_64} : size_t{PCI_MSI_MASK_32});
}

size_t MsiLayout::pending() const {
    return mask() + 4;
}

size_t MsiLayout::size() const {
    return (has_masks() ? pending() + 4 : data() + 2) - offset_;
}

bool MsiLayout::has_wide_address() const {
    return control_ & PCI_MSI_FLAGS_64BIT;
}

bool MsiLayout::has_masks() const {
    return control_ & PCI_MSI_FLAGS_MASKBIT;
}

uint32_t MsiLayout::vectors() const {
    return capable(control_);
}

Msi::Msi(Setup setup, MsiLayout layout, PciConfig& config, MsiState& state, state::IncomingFds* fds)
    : MessageInterrupts(std::move(setup), state.vectors, fds),
      layout_(layout),
      config_(config),
      armed_(state.vectors) {}

bool Msi::is_enabled() const {
    return config_.get16(layout_.control()) & PCI_MSI_FLAGS_ENABLE;
}

uint32_t Msi::enabled_vectors() const {
    const uint32_t log2 = (config_.get16(layout_.control()) & PCI_MSI_FLAGS_QSIZE) >> 4;
    return std::min(1U << log2, vectors());
}

std::optional<MessageInterrupts::Message> Msi::message(uint32_t vector) const {
    if (!is_enabled() || vector >= armed_.armed)
        return std::nullopt;
    if (layout_.has_masks() && config_.get32(layout_.mask()) >> vector & 1)
        return std::nullopt;
    const uint64_t address = config_.get(layout_.address(), layout_.has_wide_address() ? 8 : 4);
    // A device tells its vectors apart by the low bits of the data.
    const uint32_t low_bits = enabled_vectors() - 1;
    const uint32_t data = config_.get16(layout_.data());
    return Message{address, (data & ~low_bits) | (vector & low_bits)};
}

void Msi::update() {
    if (armed_.armed == 0) {
        try {
            arm_first(enabled_vectors());
        } catch (const Error& error) {
            complain("MSI does not work", error.message());
        }
    }
    apply_all();
}

void Msi::refresh_pending() {
    if (!layout_.has_masks())
        return;
    uint32_t bits = 0;
    for (uint32_t i = 0; i < vectors(); ++i)
        bits |= uint32_t{is_pending(i)} << i;
    config_.set32(layout_.pending(), bits);
}

}  // namespace cpr::vmm
