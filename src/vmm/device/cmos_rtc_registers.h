// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_DEVICE_CMOS_RTC_REGISTERS_H
#define CPR_VMM_DEVICE_CMOS_RTC_REGISTERS_H

#include <cstdint>

// The Motorola MC146818A (data sheet, figure 11), and the PC's century byte.
namespace cpr::vmm::cmos_rtc {

constexpr uint8_t kSeconds = 0;
constexpr uint8_t kMinutes = 2;
constexpr uint8_t kHours = 4;
constexpr uint8_t kWeekday = 6;
constexpr uint8_t kDay = 7;
constexpr uint8_t kMonth = 8;
constexpr uint8_t kYear = 9;
constexpr uint8_t kA = 10;
constexpr uint8_t kB = 11;
constexpr uint8_t kC = 12;
constexpr uint8_t kD = 13;
constexpr uint8_t kCentury = 0x32;

constexpr uint8_t kAUpdateInProgress = 0x80;
constexpr uint8_t kADefault = 0x26;  // 32.768 kHz time base, 1024 Hz rate
constexpr uint8_t kBSet = 0x80;
constexpr uint8_t kBBinary = 0x04;
constexpr uint8_t kB24Hours = 0x02;
constexpr uint8_t kCUpdateEnded = 0x10;
constexpr uint8_t kDValid = 0x80;
constexpr uint8_t kPm = 0x80;

}  // namespace cpr::vmm::cmos_rtc

#endif
