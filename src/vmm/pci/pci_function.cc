// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/pci/pci_function.h"

#include <linux/pci_regs.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "vmm/core/platform.h"
#include "vmm/pci/pci_bus.h"
#include "vmm/pci/pci_host.h"

namespace cpr::vmm {
namespace {

constexpr uint8_t kMultifunction = 0x80;  // of the header type

size_t bar_offset(unsigned index) {
    return PCI_BASE_ADDRESS_0 + 4U * index;
}

bool within(uint64_t address, uint64_t size, uint64_t base, uint64_t length) {
    return address >= base && size <= length && address - base <= length - size;
}

// The host bridge forwards these ranges only; elsewhere a BAR is not decoded. So a BAR that is
// being sized (all ones) never lands on memory or on another device.
bool is_forwarded(PciBar::Kind kind, uint64_t address, uint64_t size) {
    namespace p = platform;
    if (kind == PciBar::Kind::kIo)
        return within(address, size, p::kPciIoBase, p::kPciIoSize);
    return within(address, size, p::kPciMmio32Base, p::kPciMmio32Size) ||
           within(address, size, p::kPciMmio64Base, p::kPciMmio64Size);
}

}  // namespace

PciFunction::PciFunction(std::string name, PciFunctionState& state, bool restored)
    : name_(std::move(name)),
      pci_state_(state),
      saved_(restored ? std::move(state) : PciFunctionState{}),
      restored_(restored),
      config_((state = PciFunctionState{}, state.config)) {
    config_.make_writable(PCI_COMMAND, PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR,
                          2);
    config_.make_writable(PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
    config_.make_write_1_to_clear(PCI_STATUS, 0xf900, 2);
    config_.make_volatile(PCI_STATUS, PCI_STATUS_INTERRUPT, 2);
    config_.make_writable(PCI_CACHE_LINE_SIZE, 0xff, 1);
    config_.make_writable(PCI_INTERRUPT_LINE, 0xff, 1);
}

PciFunction::~PciFunction() {
    if (bus_)
        bus_->detach(*this);
}

void PciFunction::config_read(size_t offset, std::span<uint8_t> data) {
    config_.read(offset, data);
}

void PciFunction::config_write(size_t offset, std::span<const uint8_t> data) {
    config_.write(offset, data);
    stop_decoding();
    start_decoding();
}

uint32_t PciFunction::config_read(size_t offset, size_t size) {
    std::array<uint8_t, 4> bytes{};
    config_read(offset, std::span(bytes).first(size));
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | uint32_t{bytes[3]} << 24;
}

void PciFunction::config_write(size_t offset, uint32_t value, size_t size) {
    const std::array<uint8_t, 4> bytes{
        static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8),
        static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 24)};
    config_write(offset, std::span(bytes).first(size));
}

bool PciFunction::is_multifunction() const {
    return config_.get8(PCI_HEADER_TYPE) & kMultifunction;
}

std::optional<uint32_t> PciFunction::intx_line() const {
    uint32_t pin = config_.get8(PCI_INTERRUPT_PIN);
    if (pin < 1 || pin > 4)
        return std::nullopt;
    --pin;
    // PCI-to-PCI Bridge Architecture Specification, 9.1: a bridge rotates the pins by the slot.
    const PciFunction* at = this;
    while (const PciFunction* bridge = at->bus()->bridge()) {
        pin = (pin + at->address().slot) % 4;
        at = bridge;
    }
    return platform::pci_intx_gsi(at->address().slot, pin);
}

void PciFunction::attach(PciHost& host, const DeviceConfig& config) {
    const auto property = [&](const char* name) {
        const auto found = config.properties.find(name);
        return found == config.properties.end() ? std::string() : found->second;
    };
    const std::string multifunction = property("multifunction");
    if (multifunction == "on" || multifunction == "true") {
        config_.set8(PCI_HEADER_TYPE, config_.get8(PCI_HEADER_TYPE) | kMultifunction);
    } else if (!multifunction.empty() && multifunction != "off" && multifunction != "false") {
        throw Error(ErrorCode::kInvalidArgument,
                    "device '{}': multifunction is on or off, not '{}'", name_, multifunction);
    }
    try {
        PciBus& bus = host.bus(property("bus"));
        const std::string address = property("addr");
        attach(bus, address.empty() ? bus.free_address() : parse_pci_address(address));
    } catch (const Error& error) {
        throw error.within(Text("device '{}'", name_));
    }
}

void PciFunction::attach(PciBus& bus, PciAddress address) {
    bus.attach(*this, address);
    bus_ = &bus;
    address_ = address;
}

void PciFunction::set_identity(const PciIdentity& identity) {
    config_.set16(PCI_VENDOR_ID, identity.vendor);
    config_.set16(PCI_DEVICE_ID, identity.device);
    config_.set8(PCI_REVISION_ID, identity.revision);
    config_.set(PCI_CLASS_PROG, identity.class_code, 3);
    config_.set16(PCI_SUBSYSTEM_VENDOR_ID, identity.subsystem_vendor);
    config_.set16(PCI_SUBSYSTEM_ID, identity.subsystem);
}

void PciFunction::add_bar(unsigned index, const PciBar& bar) {
    const bool wide = bar.kind == PciBar::Kind::kMemory64;
    if (index + (wide ? 1 : 0) >= kPciBars || bar.size & (bar.size - 1) ||
        bar.size < (bar.kind == PciBar::Kind::kIo ? 4 : 16))
        throw Error(ErrorCode::kInternal, "device '{}': bad BAR {} of {} bytes", name_, index,
                    bar.size);
    bars_[index] = bar;
    const uint64_t mask = ~(bar.size - 1);
    const size_t offset = bar_offset(index);
    if (bar.kind == PciBar::Kind::kIo) {
        config_.set32(offset, PCI_BASE_ADDRESS_SPACE_IO);
        config_.make_writable(offset, mask, 4);
        config_.make_writable(PCI_COMMAND, PCI_COMMAND_IO, 2);
        return;
    }
    config_.set32(offset, (wide ? PCI_BASE_ADDRESS_MEM_TYPE_64 : PCI_BASE_ADDRESS_MEM_TYPE_32) |
                              (bar.prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0));
    config_.make_writable(offset, mask, wide ? 8 : 4);
    config_.make_writable(PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
}

void PciFunction::set_interrupt_pin(uint8_t pin) {
    config_.set8(PCI_INTERRUPT_PIN, pin);
}

void PciFunction::complete() {
    initial_ = pci_state_.config;
    if (!restored_)
        return;
    try {
        config_.restore(saved_.config);
        for (unsigned i = 0; i < kPciBars; ++i) {
            if (!saved_.mapped[i])
                continue;
            if (!is_forwarded(bars_[i].kind, *saved_.mapped[i], bars_[i].size) ||
                bars_[i].kind == PciBar::Kind::kNone)
                throw Error(ErrorCode::kCorruptState, "BAR {} is mapped at {:#x}", i,
                            *saved_.mapped[i]);
            map_bar(i, *saved_.mapped[i]);
            pci_state_.mapped[i] = saved_.mapped[i];
        }
    } catch (const Error& error) {
        unmap_bars();
        throw error.within(Text("device '{}'", name_));
    }
    set_intx(saved_.intx);
    saved_ = {};
}

void PciFunction::reset_function() {
    unmap_bars();
    set_intx(false);
    pci_state_.config = initial_;
}

void PciFunction::unmap_bars() {
    for (unsigned i = 0; i < kPciBars; ++i) {
        if (pci_state_.mapped[i])
            unmap_bar(i);
        pci_state_.mapped[i].reset();
    }
}

bool PciFunction::decodes(PciBar::Kind kind) const {
    const uint16_t bit = kind == PciBar::Kind::kIo ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
    return config_.get16(PCI_COMMAND) & bit;
}

std::optional<uint64_t> PciFunction::decoded_address(unsigned index) const {
    const PciBar& bar = bars_[index];
    if (bar.kind == PciBar::Kind::kNone || !decodes(bar.kind))
        return std::nullopt;
    const bool wide = bar.kind == PciBar::Kind::kMemory64;
    const uint64_t address = config_.get(bar_offset(index), wide ? 8 : 4) & ~(bar.size - 1);
    if (!is_forwarded(bar.kind, address, bar.size))
        return std::nullopt;
    return address;
}

void PciFunction::stop_decoding() {
    for (unsigned i = 0; i < kPciBars; ++i) {
        if (!pci_state_.mapped[i] || pci_state_.mapped[i] == decoded_address(i))
            continue;
        unmap_bar(i);
        pci_state_.mapped[i].reset();
    }
}

void PciFunction::start_decoding() {
    for (unsigned i = 0; i < kPciBars; ++i) {
        const auto address = decoded_address(i);
        if (!address || pci_state_.mapped[i])
            continue;
        try {
            map_bar(i, *address);
            pci_state_.mapped[i] = address;
        } catch (const Error& error) {
            // A guest may try as often as it likes.
            if (refused_[i] != address)
                log::warning("device '{}': BAR {} stays unmapped: {}", name_, i, error.message());
            refused_[i] = address;
        }
    }
}

void PciFunction::set_intx(bool level) {
    if (pci_state_.intx == level || !bus_)
        return;
    pci_state_.intx = level;
    const uint16_t status = config_.get16(PCI_STATUS);
    config_.set16(PCI_STATUS, static_cast<uint16_t>(level ? status | PCI_STATUS_INTERRUPT
                                                          : status & ~PCI_STATUS_INTERRUPT));
    if (const auto gsi = intx_line())
        bus_->host().set_intx(*this, *gsi, level);
}

}  // namespace cpr::vmm
