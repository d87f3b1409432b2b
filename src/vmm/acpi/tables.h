// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_ACPI_TABLES_H
#define CPR_VMM_ACPI_TABLES_H

#include <cstdint>
#include <optional>
#include <vector>

// The ACPI tables that describe the platform of core/platform.h to the guest (ACPI 6.4).
namespace cpr::vmm::acpi {

struct Config {
    uint32_t vcpus = 1;                       // APIC ids 0 to vcpus - 1
    std::vector<uint32_t> serial_ports = {};  // 0 for COM1
    std::optional<uint16_t> panic_port = {};
};

// All tables, linked for the guest-physical address `base` (16-byte aligned), the RSDP first.
// Throws Error kInternal if they do not fit into platform::kAcpiSize bytes.
std::vector<uint8_t> build_tables(uint64_t base, const Config& config);

}  // namespace cpr::vmm::acpi

#endif
