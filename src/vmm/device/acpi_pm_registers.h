// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_DEVICE_ACPI_PM_REGISTERS_H
#define CPR_VMM_DEVICE_ACPI_PM_REGISTERS_H

#include <cstdint>

// The fixed hardware registers of ACPI 6.4, 4.8.4, at the places of platform::kPmBase.
namespace cpr::vmm::acpi_pm {

constexpr uint64_t kStatus = 0;   // 16 bits, write 1 to clear
constexpr uint64_t kEnable = 2;   // 16 bits
constexpr uint64_t kControl = 4;  // 16 bits
constexpr uint64_t kTimer = 8;    // 32 bits
constexpr uint64_t kSize = 12;

constexpr uint16_t kPowerButton = 1u << 8;  // in status and enable
constexpr uint16_t kGlobal = 1u << 5;
// Events that never come: a guest that enables them must read that back.
constexpr uint16_t kTimerOverflow = 1u << 0;
constexpr uint16_t kSleepButton = 1u << 9;
constexpr uint16_t kAlarm = 1u << 10;
constexpr uint16_t kEnableBits = kPowerButton | kGlobal | kTimerOverflow | kSleepButton | kAlarm;

constexpr uint16_t kSciEnable = 1u << 0;
constexpr uint16_t kSleepTypeShift = 10;
constexpr uint16_t kSleepTypeMask = 7u << kSleepTypeShift;
constexpr uint16_t kSleepEnable = 1u << 13;  // write only

constexpr int64_t kTimerHz = 3579545;

}  // namespace cpr::vmm::acpi_pm

#endif
