// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/platform.h"
#include "device_test.h"
#include "vmm/device/acpi_pm.h"
#include "vmm/device/acpi_pm_registers.h"
#include "vmm/device/cmos_rtc.h"
#include "vmm/device/cmos_rtc_registers.h"
#include "vmm/device/reset_control.h"

namespace cpr::vmm {
namespace {

using platform::kPmBase;

class AcpiPmTest : public DeviceTest {
  protected:
    std::unique_ptr<AcpiPm> pm_ = std::make_unique<AcpiPm>(context_);
};

TEST_F(AcpiPmTest, PowerButtonRaisesTheSciUntilItIsCleared) {
    pm_->press_power_button();
    EXPECT_FALSE(lines_.levels[platform::kSciGsi]);
    out(kPmBase + acpi_pm::kEnable, acpi_pm::kPowerButton, 2);
    EXPECT_TRUE(lines_.levels[platform::kSciGsi]);
    EXPECT_EQ(in(kPmBase, 2), acpi_pm::kPowerButton);
    out(kPmBase, acpi_pm::kPowerButton, 2);
    EXPECT_FALSE(lines_.levels[platform::kSciGsi]);
}

TEST_F(AcpiPmTest, OnlyS5PowersOff) {
    out(kPmBase + acpi_pm::kControl, acpi_pm::kSleepEnable | 1u << acpi_pm::kSleepTypeShift, 2);
    EXPECT_EQ(requests_.shutdowns, 0);
    out(kPmBase + acpi_pm::kControl, platform::kS5SleepType << acpi_pm::kSleepTypeShift, 2);
    EXPECT_EQ(requests_.shutdowns, 0);
    out(kPmBase + acpi_pm::kControl,
        acpi_pm::kSleepEnable | platform::kS5SleepType << acpi_pm::kSleepTypeShift, 2);
    EXPECT_EQ(requests_.shutdowns, 1);
    EXPECT_EQ(in(kPmBase + acpi_pm::kControl, 2) & acpi_pm::kSleepEnable, 0u);
    EXPECT_EQ(in(kPmBase + acpi_pm::kControl, 2) & acpi_pm::kSciEnable, 1u);
}

TEST_F(AcpiPmTest, TimerGoesOnOverARestore) {
    const uint64_t before = in(kPmBase + acpi_pm::kTimer, 4);
    out(kPmBase + acpi_pm::kEnable, acpi_pm::kPowerButton, 2);
    pm_->press_power_button();
    auto restored = saved(*pm_);
    pm_.reset();
    lines_.levels.clear();
    pm_ = std::make_unique<AcpiPm>(restoring(*restored));
    pm_->attach_interrupts();
    EXPECT_TRUE(lines_.levels[platform::kSciGsi]);
    const uint64_t after = in(kPmBase + acpi_pm::kTimer, 4);
    EXPECT_GE(after, before);
    EXPECT_LT(after - before, uint64_t{10} * acpi_pm::kTimerHz);
}

TEST_F(AcpiPmTest, EveryAccessWithinTheBlockIsSafe) {
    for (uint64_t offset = 0; offset < acpi_pm::kSize; ++offset)
        for (const size_t size : {1u, 2u, 4u})
            if (offset + size <= acpi_pm::kSize) {
                out(kPmBase + offset, 0, size);
                in(kPmBase + offset, size);
            }
    EXPECT_EQ(requests_.shutdowns, 0);
}

using ResetControlTest = DeviceTest;

TEST_F(ResetControlTest, RisingResetBitResetsTheMachine) {
    const ResetControl control(context_);
    out(platform::kResetPort, 2);
    EXPECT_EQ(requests_.resets, 0);
    out(platform::kResetPort, 6);
    EXPECT_EQ(requests_.resets, 1);
    out(platform::kResetPort, 6);
    EXPECT_EQ(requests_.resets, 1);
    EXPECT_EQ(in(platform::kResetPort), 6u);
}

TEST_F(ResetControlTest, KeyboardPulseResetsTheMachine) {
    const ResetControl control(context_);
    out(0x64, 0x20);
    EXPECT_EQ(requests_.resets, 0);
    out(0x64, 0xfe);
    EXPECT_EQ(requests_.resets, 1);
}

// 2026-11-22 21:04:05 UTC, a Sunday.
timespec test_time() {
    return {1795381445, 0};
}

class RtcTest : public DeviceTest {
  protected:
    uint64_t rtc(uint8_t index) {
        out(0x70, index);
        return in(0x71);
    }
    void set_rtc(uint8_t index, uint8_t value) {
        out(0x70, index);
        out(0x71, value);
    }
    std::unique_ptr<CmosRtc> rtc_ = std::make_unique<CmosRtc>(context_, true, test_time);
};

TEST_F(RtcTest, ShowsTheHostsTimeInBcd) {
    EXPECT_EQ(rtc(cmos_rtc::kSeconds), 0x05u);
    EXPECT_EQ(rtc(cmos_rtc::kMinutes), 0x04u);
    EXPECT_EQ(rtc(cmos_rtc::kHours), 0x21u);
    EXPECT_EQ(rtc(cmos_rtc::kWeekday), 1u);
    EXPECT_EQ(rtc(cmos_rtc::kDay), 0x22u);
    EXPECT_EQ(rtc(cmos_rtc::kMonth), 0x11u);
    EXPECT_EQ(rtc(cmos_rtc::kYear), 0x26u);
    EXPECT_EQ(rtc(cmos_rtc::kCentury), 0x20u);
    EXPECT_EQ(rtc(cmos_rtc::kD), cmos_rtc::kDValid);
}

TEST_F(RtcTest, TwelveHourAndBinaryModes) {
    set_rtc(cmos_rtc::kB, 0);
    EXPECT_EQ(rtc(cmos_rtc::kHours), 0x89u);
    set_rtc(cmos_rtc::kB, cmos_rtc::kBBinary | cmos_rtc::kB24Hours);
    EXPECT_EQ(rtc(cmos_rtc::kHours), 21u);
}

TEST_F(RtcTest, AGuestsTimeIsAnOffsetThatIsKept) {
    set_rtc(cmos_rtc::kHours, 0x03);
    EXPECT_EQ(rtc(cmos_rtc::kHours), 0x03u);
    EXPECT_EQ(rtc(cmos_rtc::kMinutes), 0x04u);
    set_rtc(0x40, 0x77);
    auto restored = saved(*rtc_);
    rtc_.reset();
    rtc_ = std::make_unique<CmosRtc>(restoring(*restored), true, test_time);
    EXPECT_EQ(rtc(cmos_rtc::kHours), 0x03u);
    EXPECT_EQ(rtc(0x40), 0x77u);
}

TEST_F(RtcTest, UpdateEndedIsSeenOncePerSecond) {
    EXPECT_EQ(rtc(cmos_rtc::kC), cmos_rtc::kCUpdateEnded);
    EXPECT_EQ(rtc(cmos_rtc::kC), 0u);
}

TEST_F(RtcTest, AnyValueInAnyRegisterIsSafe) {
    for (int index = 0; index < 128; ++index)
        for (const int value : {0x00, 0x7f, 0x80, 0xff}) {
            set_rtc(static_cast<uint8_t>(index), static_cast<uint8_t>(value));
            rtc(static_cast<uint8_t>(index));
        }
}

}  // namespace
}  // namespace cpr::vmm
