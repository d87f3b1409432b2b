// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_PCI_PCI_ADDRESS_H
#define CPR_VMM_PCI_PCI_ADDRESS_H

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace cpr::vmm {

// A slot and function on one bus.
struct PciAddress {
    uint8_t slot = 0;
    uint8_t function = 0;

    auto operator<=>(const PciAddress&) const = default;
    uint8_t devfn() const { return static_cast<uint8_t>(slot << 3 | function); }
    static PciAddress from_devfn(uint8_t devfn) {
        return {static_cast<uint8_t>(devfn >> 3), static_cast<uint8_t>(devfn & 7)};
    }
};

// Reads the property addr as QEMU takes it: "SLOT" or "SLOT.FUNCTION", each decimal, or hexadecimal
// after 0x; without 0x before SLOT both are hexadecimal, as "1f.2". Throws Error kInvalidArgument.
PciAddress parse_pci_address(std::string_view text);
std::string to_string(PciAddress address);

// A function of the host as the property host names it: "DDDD:BB:SS.F" or "BB:SS.F", hexadecimal.
// Returns it in full, as sysfs has it. Throws Error kInvalidArgument.
std::string parse_host_pci_address(std::string_view text);

}  // namespace cpr::vmm

#endif
