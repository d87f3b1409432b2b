// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/pci/pci_host.h"

#include <linux/pci_regs.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "vmm/core/interrupts.h"
#include "vmm/core/platform.h"
#include "vmm/pci/resources.h"

namespace cpr::vmm {
namespace {

constexpr uint32_t kConfigEnable = 0x80000000;
constexpr uint32_t kConfigAddressMask = 0x80fffffc;

void fill_ones(std::span<uint8_t> data) {
    std::ranges::fill(data, uint8_t{0xff});
}

PciBus* next_bus(const PciBus& bus, uint8_t number, uint8_t& secondary) {
    for (const auto& [devfn, function] : bus.functions()) {
        PciBus* behind = function->secondary();
        if (!behind)
            continue;
        const auto first = static_cast<uint8_t>(function->config_read(PCI_SECONDARY_BUS, 1));
        const auto last = static_cast<uint8_t>(function->config_read(PCI_SUBORDINATE_BUS, 1));
        if (first != 0 && number >= first && number <= last) {
            secondary = first;
            return behind;
        }
    }
    return nullptr;
}

}  // namespace

class PciHost::HostBridge final : public PciFunction {
  public:
    HostBridge(PciHost& host, PciFunctionState& state, bool restored)
        : PciFunction("host-bridge", state, restored) {
        // A generic PCI Express host bridge: Linux has no quirks for it.
        set_identity({.vendor = 0x1b36,
                      .device = 0x0008,
                      .class_code = 0x060000,
                      .subsystem_vendor = 0x1af4,
                      .subsystem = 0x1100});
        attach(host.root(), {0, 0});
        complete();
    }
    void reset() { reset_function(); }
};

// Port 0xcf8 (the address, which only answers to 32-bit accesses) or 0xcfc (the data).
class PciHost::ConfigPorts final : public BusDevice {
  public:
    ConfigPorts(PciHost& host, bool data) : host_(host), is_data_(data) {}

    void read(uint64_t offset, std::span<uint8_t> data) override {
        size_t config_offset = 0;
        if (is_data_) {
            if (PciFunction* function = host_.selected(offset, config_offset))
                function->config_read(config_offset, data);
            else
                fill_ones(data);
        } else if (offset == 0 && data.size() == 4) {
            std::memcpy(data.data(), &host_.state_.config_address, 4);
        } else {
            fill_ones(data);
        }
    }

    void write(uint64_t offset, std::span<const uint8_t> data) override {
        size_t config_offset = 0;
        if (is_data_) {
            if (PciFunction* function = host_.selected(offset, config_offset))
                function->config_write(config_offset, data);
        } else if (offset == 0 && data.size() == 4) {
            uint32_t value = 0;
            std::memcpy(&value, data.data(), 4);
            host_.state_.config_address = value & kConfigAddressMask;
        }
    }

  private:
    PciHost& host_;
    bool is_data_;
};

// PCI Express Base Specification, 7.2.2: bus, device, function and register are bits of the
// address.
class PciHost::Ecam final : public BusDevice {
  public:
    explicit Ecam(PciHost& host) : host_(host) {}

    void read(uint64_t offset, std::span<uint8_t> data) override {
        if (PciFunction* function = target(offset))
            function->config_read(offset & 0xfff, data);
        else
            fill_ones(data);
    }
    void write(uint64_t offset, std::span<const uint8_t> data) override {
        if (PciFunction* function = target(offset))
            function->config_write(offset & 0xfff, data);
    }

  private:
    PciFunction* target(uint64_t offset) const {
        return host_.find(static_cast<uint8_t>(offset >> 20), static_cast<uint8_t>(offset >> 12));
    }
    PciHost& host_;
};

PciHost::PciHost(const DeviceContext& context)
    : StatefulDevice(kId, context),
      interrupts_(context.interrupts),
      ports_(context.ports),
      mmio_(context.mmio),
      root_(kId, *this, nullptr),
      address_port_(std::make_unique<ConfigPorts>(*this, false)),
      data_port_(std::make_unique<ConfigPorts>(*this, true)),
      ecam_(std::make_unique<Ecam>(*this)) {
    add_bus(root_);
    bridge_ = std::make_unique<HostBridge>(*this, state_.bridge, restored());
    ports_.map(platform::kPciAddressPort, 4, *address_port_, "pci-config-address");
    ports_.map(platform::kPciDataPort, 4, *data_port_, "pci-config-data");
    mmio_.map(platform::kEcamBase, platform::kEcamSize, *ecam_, "pci-ecam");
}

PciHost::~PciHost() {
    ports_.unmap(platform::kPciAddressPort);
    ports_.unmap(platform::kPciDataPort);
    mmio_.unmap(platform::kEcamBase);
}

void PciHost::reset() {
    state_.config_address = 0;
    bridge_->reset();
}

void PciHost::attach_interrupts() {
    for (const auto& [gsi, holders] : asserted_)
        interrupts_.set_line(gsi, !holders.empty());
}

void PciHost::assign_resources() {
    assign_pci_resources(root_);
}

PciBus& PciHost::bus(std::string_view id) {
    if (id.empty())
        return root_;
    const auto found = buses_.find(id);
    if (found == buses_.end())
        throw Error(ErrorCode::kInvalidArgument, "there is no PCI bus '{}'", id);
    return *found->second;
}

void PciHost::add_bus(PciBus& bus) {
    if (!buses_.emplace(bus.id(), &bus).second)
        throw Error(ErrorCode::kInvalidArgument, "there is a PCI bus '{}' already", bus.id());
}

void PciHost::remove_bus(PciBus& bus) {
    buses_.erase(bus.id());
}

PciFunction* PciHost::find(uint8_t bus_number, uint8_t devfn) const {
    const PciBus* bus = &root_;
    uint8_t here = 0;
    while (bus && bus_number != here)
        bus = next_bus(*bus, bus_number, here);
    return bus ? bus->at(devfn) : nullptr;
}

PciFunction* PciHost::selected(uint64_t port_offset, size_t& config_offset) const {
    const uint32_t address = state_.config_address;
    if (!(address & kConfigEnable))
        return nullptr;
    config_offset = (address & 0xfc) + port_offset;
    return find(static_cast<uint8_t>(address >> 16), static_cast<uint8_t>(address >> 8));
}

void PciHost::set_intx(const PciFunction& function, uint32_t gsi, bool level) {
    auto& holders = asserted_[gsi];
    if (level)
        holders.insert(&function);
    else
        holders.erase(&function);
    interrupts_.set_line(gsi, !holders.empty());
}

}  // namespace cpr::vmm
