// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/pci/root_port.h"

#include <linux/pci_regs.h>

#include <charconv>

#include "base/error.h"
#include "vmm/pci/pci_host.h"

namespace cpr::vmm {
namespace {

constexpr uint8_t kExpressSize = PCI_EXP_SLTSTA2 + 2;
constexpr uint8_t kExpressOffset = 0x40;

uint32_t number_property(const DeviceConfig& config, const char* name, uint32_t fallback,
                         uint32_t limit) {
    const auto found = config.properties.find(name);
    if (found == config.properties.end())
        return fallback;
    std::string_view text = found->second;
    int base = 10;
    if (text.starts_with("0x")) {
        text.remove_prefix(2);
        base = 16;
    }
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size() || value > limit)
        throw Error(ErrorCode::kInvalidArgument,
                    "device '{}': property {} is a number up to {}, not '{}'", config.id, name,
                    limit, found->second);
    return value;
}

}  // namespace

RootPort::RootPort(const DeviceConfig& config, const DeviceContext& context)
    : StatefulDevice(config.id, context),
      PciFunction(config.id, state_.pci, restored()),
      host_(*context.pci),
      bus_behind_(config.id, *context.pci, this) {
    // PCI Express Base Specification: port number 7.5.3.6, physical slot number 7.5.3.9.
    const uint32_t port = number_property(config, "port", 0, 0xff);
    const uint32_t chassis = number_property(config, "chassis", 0, 0xff);
    const uint32_t slot = number_property(config, "slot", 0, 0x1fff);
    const auto hotplug = config.properties.find("hotplug");
    if (hotplug != config.properties.end() && hotplug->second != "off")
        throw Error(ErrorCode::kUnsupported, "device '{}': hotplug={} is not supported: use off",
                    config.id, hotplug->second);
    set_identity({.vendor = 0x1b36, .device = 0x000c, .class_code = 0x060400});
    build_bridge_header();
    build_express_capability(port, slot ? slot : chassis);
    attach(*context.pci, config);
    host_.add_bus(bus_behind_);
    try {
        complete();
    } catch (...) {
        host_.remove_bus(bus_behind_);
        throw;
    }
}

RootPort::~RootPort() {
    host_.remove_bus(bus_behind_);
}

void RootPort::build_bridge_header() {
    PciConfig& c = config();
    c.set8(PCI_HEADER_TYPE, PCI_HEADER_TYPE_BRIDGE);
    // The subsystem ids of a type-0 header are the windows' upper bits here.
    c.set32(PCI_PREF_BASE_UPPER32, 0);
    c.set32(PCI_PREF_LIMIT_UPPER32, 0);
    c.make_writable(PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 2);
    c.make_writable(PCI_PRIMARY_BUS, 0xffffff, 3);
    c.make_writable(PCI_IO_BASE, 0xf0f0, 2);
    c.make_write_1_to_clear(PCI_SEC_STATUS, 0xf900, 2);
    c.make_writable(PCI_MEMORY_BASE, 0xfff0fff0, 4);
    c.set16(PCI_PREF_MEMORY_BASE, PCI_PREF_RANGE_TYPE_64);
    c.set16(PCI_PREF_MEMORY_LIMIT, PCI_PREF_RANGE_TYPE_64);
    c.make_writable(PCI_PREF_MEMORY_BASE, 0xfff0fff0, 4);
    c.make_writable(PCI_PREF_BASE_UPPER32, 0xffffffff, 4);
    c.make_writable(PCI_PREF_LIMIT_UPPER32, 0xffffffff, 4);
    c.make_writable(PCI_BRIDGE_CONTROL,
                    PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR | PCI_BRIDGE_CTL_ISA |
                        PCI_BRIDGE_CTL_VGA | PCI_BRIDGE_CTL_BUS_RESET,
                    2);
}

void RootPort::build_express_capability(uint32_t port, uint32_t slot) {
    PciConfig& c = config();
    express_ = c.add_capability(PCI_CAP_ID_EXP, kExpressSize, kExpressOffset);
    c.set16(express_ + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ROOT_PORT << 4 | PCI_EXP_FLAGS_SLOT);
    c.set32(express_ + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER);
    c.make_writable(express_ + PCI_EXP_DEVCTL, 0x70ff, 2);
    c.make_write_1_to_clear(express_ + PCI_EXP_DEVSTA, 0x000f, 2);
    // 2.5 GT/s, one lane.
    c.set32(express_ + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4 | port << 24);
    c.make_writable(express_ + PCI_EXP_LNKCTL, 0x00db, 2);
    c.set16(express_ + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1);
    c.set32(express_ + PCI_EXP_SLTCAP, slot << 19);
    c.make_writable(express_ + PCI_EXP_SLTCTL, 0x103f, 2);
    c.make_write_1_to_clear(express_ + PCI_EXP_SLTSTA, 0x011f, 2);
    c.make_writable(express_ + PCI_EXP_RTCTL, 0x000f, 2);
    c.make_write_1_to_clear(express_ + PCI_EXP_RTSTA, PCI_EXP_RTSTA_PME, 4);
    c.make_writable(express_ + PCI_EXP_DEVCTL2, 0x0020, 2);
    c.set16(express_ + PCI_EXP_LNKCTL2, 1);
    c.make_writable(express_ + PCI_EXP_LNKCTL2, 0x000f, 2);
}

void RootPort::config_read(size_t offset, std::span<uint8_t> data) {
    // Presence follows the bus, so it is made when it is read.
    const uint16_t presence = bus_behind_.functions().empty() ? 0 : PCI_EXP_SLTSTA_PDS;
    config().read(offset, data);
    const size_t status = express_ + PCI_EXP_SLTSTA;
    if (status >= offset && status - offset < data.size())
        data[status - offset] |= static_cast<uint8_t>(presence);
}

void RootPort::config_write(size_t offset, std::span<const uint8_t> data) {
    const uint16_t before = config().get16(PCI_BRIDGE_CONTROL);
    PciFunction::config_write(offset, data);
    const uint16_t risen = config().get16(PCI_BRIDGE_CONTROL) & ~before;
    if (risen & PCI_BRIDGE_CTL_BUS_RESET)
        reset_bus_behind();
}

void RootPort::bus_reset() {
    reset_function();
    reset_bus_behind();
}

void RootPort::reset_bus_behind() {
    for (const auto& [devfn, function] : bus_behind_.functions())
        function->bus_reset();
}

std::unique_ptr<Device> make_root_port(const DeviceConfig& config, const DeviceContext& context) {
    return std::make_unique<RootPort>(config, context);
}

}  // namespace cpr::vmm
