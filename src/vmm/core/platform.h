// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_PLATFORM_H
#define CPR_VMM_CORE_PLATFORM_H

#include <cstdint>

// The fixed places of the guest's platform: what the ACPI tables tell the guest, and what the
// devices and the PCI host answer at. Part of the machine type: a change breaks running guests.
namespace cpr::vmm::platform {

// RAM from 0 up to here; the rest continues at 4 GiB.
constexpr uint64_t kLowRamLimit = 0xc0000000;
constexpr uint64_t kHighRamBase = uint64_t{4} << 30;

// 32-bit window for PCI BARs, and the enhanced configuration space (256 buses).
constexpr uint64_t kPciMmio32Base = 0xc0000000;
constexpr uint64_t kPciMmio32Size = 0x20000000;
constexpr uint64_t kEcamBase = 0xe0000000;
constexpr uint64_t kEcamSize = 0x10000000;
// 64-bit window for PCI BARs; RAM ends below it.
constexpr uint64_t kPciMmio64Base = uint64_t{64} << 30;
constexpr uint64_t kPciMmio64Size = uint64_t{64} << 30;

constexpr uint64_t kIoApicBase = 0xfec00000;
constexpr uint64_t kLocalApicBase = 0xfee00000;
// Where KVM puts its identity-mapped page table and TSS (needed without unrestricted guests).
constexpr uint64_t kKvmIdentityBase = 0xfeffc000;
constexpr uint64_t kKvmTssBase = 0xfeffd000;

// The ACPI tables, in the area where a BIOS would have them; the RSDP comes first.
constexpr uint64_t kAcpiBase = 0xe0000;
constexpr uint64_t kAcpiSize = 0x10000;
// SLP_TYP of the S5 state: the guest writes it to PM1 control to power off.
constexpr uint8_t kS5SleepType = 5;

// Ports.
constexpr uint64_t kSerialPort[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
constexpr uint32_t kSerialGsi[] = {4, 3, 4, 3};
constexpr uint64_t kRtcPort = 0x70;
constexpr uint64_t kResetPort = 0xcf9;
constexpr uint64_t kPciAddressPort = 0xcf8;
constexpr uint64_t kPciDataPort = 0xcfc;
constexpr uint64_t kPmBase = 0x600;  // PM1 event +0, PM1 control +4, PM timer +8
constexpr uint64_t kPciIoBase = 0x1000;
constexpr uint64_t kPciIoSize = 0xf000;

// Global system interrupts.
constexpr uint32_t kRtcGsi = 8;
constexpr uint32_t kSciGsi = 9;
// INTA..INTD of the slots are swizzled over these four.
constexpr uint32_t kPciIntxGsi[] = {16, 17, 18, 19};
// The line of a slot on bus 0; pin 0 is INTA. The DSDT's _PRT says the same.
constexpr uint32_t pci_intx_gsi(uint32_t slot, uint32_t pin) {
    return kPciIntxGsi[(slot + pin) % 4];
}
// KVM's I/O APIC has 24 pins; message-signalled interrupts get GSIs from here.
constexpr uint32_t kFirstMsiGsi = 24;

}  // namespace cpr::vmm::platform

#endif
