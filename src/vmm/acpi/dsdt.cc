// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/acpi/dsdt.h"

#include <fmt/core.h>

#include "vmm/core/platform.h"

namespace cpr::vmm::acpi {
namespace {

using aml::Bytes;
using aml::join;

constexpr uint32_t kPciSlots = 32;

Bytes host_bridge_resources() {
    using namespace platform;
    constexpr uint16_t kConfigPorts = kPciAddressPort;
    return aml::resource_template({
        aml::bus_numbers(0, 255),
        aml::io_port(kConfigPorts, 8),
        aml::io_window(0, kConfigPorts - 1),
        aml::io_window(kConfigPorts + 8, 0xffff),
        aml::memory_window32(kPciMmio32Base, kPciMmio32Base + kPciMmio32Size - 1),
        aml::memory_window64(kPciMmio64Base, kPciMmio64Base + kPciMmio64Size - 1),
    });
}

// INTA to INTD of each slot, rotated over the lines (PCI-to-PCI bridge specification, table 9-1).
Bytes interrupt_routing() {
    std::vector<Bytes> entries;
    for (uint32_t slot = 0; slot < kPciSlots; ++slot)
        for (uint32_t pin = 0; pin < 4; ++pin)
            entries.push_back(aml::package(
                {aml::integer(uint64_t{slot} << 16 | 0xffff), aml::integer(pin), aml::integer(0),
                 aml::integer(platform::kPciIntxGsi[(slot + pin) % 4])}));
    return aml::package(entries);
}

// Gives the guest the PCI Express capability structure and keeps the rest: this platform has
// neither hot-plug nor error reporting of its own (PCI firmware specification 3.2, 4.5.1).
Bytes osc_method() {
    constexpr uint64_t kCapabilitiesMasked = 0x10;
    constexpr uint64_t kGranted = 0x10;
    return aml::method(
        "_OSC", 4,
        join({aml::create_dword_field(aml::arg(3), 0, "CDW1"),
              aml::create_dword_field(aml::arg(3), 8, "CDW3"), aml::and_into("CDW3", kGranted),
              aml::or_into("CDW1", kCapabilitiesMasked), aml::return_value(aml::arg(3))}));
}

Bytes host_bridge() {
    return aml::device(
        "PCI0",
        join({aml::name("_HID", aml::eisa_id("PNP0A08")),
              aml::name("_CID", aml::eisa_id("PNP0A03")), aml::name("_UID", aml::integer(0)),
              aml::name("_SEG", aml::integer(0)), aml::name("_BBN", aml::integer(0)),
              aml::name("_CRS", host_bridge_resources()), aml::name("_PRT", interrupt_routing()),
              osc_method()}));
}

Bytes serial_port(uint32_t index) {
    return aml::device(
        fmt::format("COM{}", index + 1),
        join({aml::name("_HID", aml::eisa_id("PNP0501")),
              aml::name("_UID", aml::integer(index + 1)),
              aml::name("_CRS",
                        aml::resource_template(
                            {aml::io_port(static_cast<uint16_t>(platform::kSerialPort[index]), 8),
                             aml::irq(static_cast<uint8_t>(platform::kSerialGsi[index]))}))}));
}

Bytes rtc() {
    return aml::device(
        "RTC", join({aml::name("_HID", aml::eisa_id("PNP0B00")),
                     aml::name("_CRS", aml::resource_template(
                                           {aml::io_port(platform::kRtcPort, 2),
                                            aml::irq(static_cast<uint8_t>(platform::kRtcGsi))}))}));
}

// What guests know QEMU's panic device by (QEMU, docs/specs/pvpanic).
Bytes panic_device(uint16_t port) {
    constexpr uint64_t kPresentAndWorking = 0xf;
    return aml::device("PEVT",
                       join({aml::name("_HID", aml::string("QEMU0001")),
                             aml::name("_STA", aml::integer(kPresentAndWorking)),
                             aml::name("_CRS", aml::resource_template({aml::io_port(port, 1)}))}));
}

// The kernel uses ECAM only if the area is reserved, by firmware's own account.
Bytes motherboard() {
    return aml::device(
        "MBRD",
        join({aml::name("_HID", aml::eisa_id("PNP0C02")), aml::name("_UID", aml::integer(1)),
              aml::name("_CRS", aml::resource_template({aml::fixed_memory32(
                                    platform::kEcamBase, platform::kEcamSize)}))}));
}

Bytes processor(uint32_t index) {
    return aml::device(
        fmt::format("CP{:02X}", index),
        join({aml::name("_HID", aml::string("ACPI0007")), aml::name("_UID", aml::integer(index))}));
}

}  // namespace

Bytes dsdt_body(const Config& config) {
    Bytes devices = join({host_bridge(), motherboard(), rtc()});
    for (const uint32_t index : config.serial_ports)
        devices = join({devices, serial_port(index)});
    if (config.panic_port)
        devices = join({devices, panic_device(*config.panic_port)});
    for (uint32_t i = 0; i < config.vcpus; ++i)
        devices = join({devices, processor(i)});
    const Bytes s5 =
        aml::package({aml::integer(platform::kS5SleepType), aml::integer(platform::kS5SleepType),
                      aml::integer(0), aml::integer(0)});
    return join({aml::scope("\\_SB", devices), aml::name("\\_S5", s5)});
}

}  // namespace cpr::vmm::acpi
