// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_config.h"

#include <linux/pci_regs.h>

#include <algorithm>
#include <array>
#include <set>

namespace cpr::vmm {
namespace {

constexpr size_t kExtendedStart = 0x100;

// Capabilities of the 4 KiB space that concern what lies outside of the guest: routing by other
// functions' numbers, virtual functions, the host's IOMMU, BAR sizes, link power states.
constexpr std::array<uint16_t, 8> kHiddenExtended = {
    PCI_EXT_CAP_ID_ARI,       PCI_EXT_CAP_ID_ATS,
    PCI_EXT_CAP_ID_SRIOV,     PCI_EXT_CAP_ID_PRI,
    0x15 /* Resizable BAR */, PCI_EXT_CAP_ID_PASID,
    PCI_EXT_CAP_ID_L1SS,      0x24 /* VF Resizable BAR */};

}  // namespace

VfioConfig::VfioConfig(VfioApi& api, int device, VfioRegion region, PciConfig& config)
    : api_(api),
      device_(device),
      region_(std::move(region)),
      config_(config),
      emulated_(PciConfig::kSize) {}

uint32_t VfioConfig::device_value(size_t offset, size_t size) const {
    std::array<uint8_t, 4> bytes{0xff, 0xff, 0xff, 0xff};
    if (offset + size <= region_.size)
        api_.read(device_, region_.offset + offset, std::span(bytes).first(size));
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i)
        value |= uint32_t{bytes[i]} << (8 * i);
    return value;
}

void VfioConfig::emulate_bits(size_t offset, uint64_t value, uint64_t mask, size_t size) {
    for (size_t i = 0; i < size; ++i) {
        const auto bits = static_cast<uint8_t>(mask >> (8 * i));
        emulated_[offset + i] |= bits;
        const auto kept = static_cast<uint8_t>(config_.get8(offset + i) & ~bits);
        config_.set8(offset + i,
                     static_cast<uint8_t>(kept | (static_cast<uint8_t>(value >> (8 * i)) & bits)));
    }
}

void VfioConfig::emulate(size_t offset, uint64_t value, size_t size) {
    emulate_bits(offset, value, ~uint64_t{0}, size);
}

void VfioConfig::build(const Shape& shape) {
    build_header(shape.show_intx);
    build_capabilities(shape);
    if (region_.size > kExtendedStart)
        build_extended_capabilities();
}

void VfioConfig::build_header(bool show_intx) {
    emulate(PCI_COMMAND, 0, 2);
    emulate_bits(PCI_HEADER_TYPE, config_.get8(PCI_HEADER_TYPE), 0x80, 1);
    for (size_t i = 0; i < 24; ++i)
        emulated_[PCI_BASE_ADDRESS_0 + i] = 0xff;
    emulate(PCI_ROM_ADDRESS, 0, 4);
    emulate(PCI_CAPABILITY_LIST, 0, 1);
    emulate(PCI_INTERRUPT_LINE, 0, 1);
    emulate(PCI_INTERRUPT_PIN, show_intx ? device_value(PCI_INTERRUPT_PIN, 1) : 0, 1);
}

bool VfioConfig::has_pin() const {
    return config_.get8(PCI_INTERRUPT_PIN) != 0;
}

void VfioConfig::build_capabilities(const Shape& shape) {
    if (!(device_value(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
        return;
    size_t previous = PCI_CAPABILITY_LIST;
    std::set<uint8_t> seen;
    auto at = static_cast<uint8_t>(device_value(PCI_CAPABILITY_LIST, 1) & 0xfc);
    while (at >= PCI_STD_HEADER_SIZEOF && seen.insert(at).second) {
        const auto id = static_cast<uint8_t>(device_value(at, 1));
        const auto next = static_cast<uint8_t>(device_value(at + 1U, 1) & 0xfc);
        if (id != PCI_CAP_ID_MSI || shape.show_msi) {
            emulate(previous, at, 1);
            previous = at + 1U;
            emulate(previous, 0, 1);
            build_capability(id, at, shape.behind_port);
        }
        at = next;
    }
    // The power state decides whether the BARs answer, so we follow it.
    if (power_)
        config_.make_writable(power_ + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK, 2);
}

void VfioConfig::build_capability(uint8_t id, uint8_t offset, bool behind_port) {
    if (id == PCI_CAP_ID_MSI)
        build_msi(offset);
    else if (id == PCI_CAP_ID_MSIX)
        build_msix(offset);
    else if (id == PCI_CAP_ID_EXP)
        build_express(offset, behind_port);
    else if (id == PCI_CAP_ID_PM)
        power_ = offset;
    else if (id == PCI_CAP_ID_AF)
        advanced_ = offset;
}

void VfioConfig::build_msi(uint8_t offset) {
    constexpr uint32_t kKept = PCI_MSI_FLAGS_QMASK | PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT;
    const auto control = static_cast<uint16_t>(device_value(offset + PCI_MSI_FLAGS, 2) & kKept);
    const MsiLayout& at = msi_.emplace(offset, control);
    for (size_t i = at.control(); i < at.begin() + at.size(); ++i)
        emulate(i, 0, 1);
    emulate(at.control(), control, 2);
    config_.make_writable(at.control(), PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE, 2);
    config_.make_writable(at.address(), ~uint64_t{3}, at.has_wide_address() ? 8 : 4);
    config_.make_writable(at.data(), 0xffff, 2);
    if (!at.has_masks())
        return;
    const uint64_t vectors = (uint64_t{1} << at.vectors()) - 1;
    config_.make_writable(at.mask(), vectors, 4);
    config_.make_volatile(at.pending(), vectors, 4);
}

void VfioConfig::build_msix(uint8_t offset) {
    msix_ = offset;
    const uint32_t control = device_value(offset + PCI_MSIX_FLAGS, 2);
    emulate(offset + PCI_MSIX_FLAGS, control & PCI_MSIX_FLAGS_QSIZE, 2);
    config_.make_writable(offset + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL,
                          2);
}

// PCI Express Base Specification, 7.5.3.2: what is on a link is an endpoint, what is on the root
// bus is integrated into the root complex and has no link.
void VfioConfig::build_express(uint8_t offset, bool behind_port) {
    express_ = offset;
    const uint32_t flags = device_value(offset + PCI_EXP_FLAGS, 2);
    const uint32_t type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;
    const uint32_t wanted = behind_port ? PCI_EXP_TYPE_ENDPOINT : PCI_EXP_TYPE_RC_END;
    const bool convertible = type == PCI_EXP_TYPE_ENDPOINT || type == PCI_EXP_TYPE_LEG_END ||
                             type == PCI_EXP_TYPE_RC_END;
    if (!convertible || (behind_port && type != PCI_EXP_TYPE_RC_END) || type == wanted)
        return;
    emulate_bits(offset + PCI_EXP_FLAGS, wanted << 4, PCI_EXP_FLAGS_TYPE, 2);
    // Version 1 of an integrated endpoint's capability ends before the link registers.
    if (type == PCI_EXP_TYPE_RC_END && (flags & PCI_EXP_FLAGS_VERS) < 2)
        return;
    emulate(offset + PCI_EXP_LNKCAP, behind_port ? PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4 : 0, 4);
    emulate(offset + PCI_EXP_LNKCTL, 0, 2);
    emulate(offset + PCI_EXP_LNKSTA,
            behind_port ? PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1 : 0, 2);
}

void VfioConfig::build_extended_capabilities() {
    size_t previous = 0;  // the last visible one
    std::set<size_t> seen;
    size_t at = kExtendedStart;
    while (at >= kExtendedStart && at + 4 <= region_.size && seen.insert(at).second) {
        const uint32_t header = device_value(at, 4);
        if (header == 0 || header == 0xffffffff)
            break;
        const auto id = static_cast<uint16_t>(header & 0xffff);
        const size_t next = header >> 20 & 0xffc;
        if (std::ranges::find(kHiddenExtended, id) == kHiddenExtended.end()) {
            if (previous)
                emulate_bits(previous, uint64_t{at} << 20, 0xfff00000, 4);
            emulate_bits(at, 0, 0xfff00000, 4);
            previous = at;
        } else if (at == kExtendedStart) {
            // The list has to begin here: a capability without an id takes the place.
            emulate(at, 0, 4);
            previous = at;
        }
        at = next;
    }
}

void VfioConfig::read(size_t offset, std::span<uint8_t> data) const {
    std::ranges::fill(data, uint8_t{0xff});
    if (offset >= region_.size || data.size() > region_.size - offset)
        return;
    if (!api_.read(device_, region_.offset + offset, data))
        std::ranges::fill(data, uint8_t{0xff});
    for (size_t i = 0; i < data.size(); ++i) {
        const uint8_t mask = emulated_[offset + i];
        data[i] = static_cast<uint8_t>((data[i] & ~mask) | (config_.get8(offset + i) & mask));
    }
}

void VfioConfig::pass_on(size_t offset, std::span<const uint8_t> data) {
    if (offset >= region_.size || data.size() > region_.size - offset)
        return;
    bool command = false;
    size_t begin = 0;
    for (size_t i = 0; i <= data.size(); ++i) {
        const size_t at = offset + i;
        command |= i < data.size() && (at == PCI_COMMAND || at == PCI_COMMAND + 1);
        if (i < data.size() && emulated_[at] != 0xff)
            continue;
        if (begin < i)
            api_.write(device_, region_.offset + offset + begin, data.subspan(begin, i - begin));
        begin = i + 1;
    }
    if (command)
        pass_on_command();
}

// PCI Express Base Specification, 7.5.3.4; PCI Advanced Capabilities ECN (Conventional PCI
// Advanced Features).
bool VfioConfig::asks_for_reset(size_t offset, std::span<const uint8_t> data) const {
    const auto sets = [&](size_t at, uint8_t bit) {
        return at >= offset && at - offset < data.size() && (data[at - offset] & bit);
    };
    if (express_ && sets(express_ + PCI_EXP_DEVCTL + 1U, PCI_EXP_DEVCTL_BCR_FLR >> 8))
        return device_value(express_ + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR;
    if (advanced_ && sets(advanced_ + size_t{PCI_AF_CTRL}, PCI_AF_CTRL_FLR))
        return device_value(advanced_ + PCI_AF_CAP, 1) & PCI_AF_CAP_FLR;
    return false;
}

void VfioConfig::pass_on_command() {
    const auto value = static_cast<uint16_t>(config_.get16(PCI_COMMAND) |
                                             (has_pin() ? 0 : PCI_COMMAND_INTX_DISABLE));
    const std::array<uint8_t, 2> bytes{static_cast<uint8_t>(value),
                                       static_cast<uint8_t>(value >> 8)};
    api_.write(device_, region_.offset + PCI_COMMAND, bytes);
}

}  // namespace cpr::vmm
