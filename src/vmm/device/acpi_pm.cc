// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/device/acpi_pm.h"

#include <array>
#include <cstring>

#include "base/monotonic.h"
#include "vmm/core/interrupts.h"
#include "vmm/core/platform.h"
#include "vmm/device/acpi_pm_registers.h"

namespace cpr::vmm {

using namespace acpi_pm;

AcpiPm::AcpiPm(const DeviceContext& context)
    : StatefulDevice(kId, context),
      ports_(context.ports),
      interrupts_(context.interrupts),
      requests_(context.requests) {
    if (!restored())
        state_.timer_base_ns = monotonic_ns();
    ports_.map(platform::kPmBase, kSize, *this, kId);
}

AcpiPm::~AcpiPm() {
    ports_.unmap(platform::kPmBase);
}

void AcpiPm::reset() {
    state_ = {};
    state_.timer_base_ns = monotonic_ns();
    update_sci();
}

void AcpiPm::press_power_button() {
    state_.status |= kPowerButton;
    update_sci();
}

void AcpiPm::read(uint64_t offset, std::span<uint8_t> data) {
    std::array<uint8_t, kSize> registers{};
    memcpy(&registers[kStatus], &state_.status, 2);
    memcpy(&registers[kEnable], &state_.enable, 2);
    memcpy(&registers[kControl], &state_.control, 2);
    const uint32_t now = timer();
    memcpy(&registers[kTimer], &now, 4);
    memcpy(data.data(), &registers[offset], data.size());
}

void AcpiPm::write(uint64_t offset, std::span<const uint8_t> data) {
    // Accesses may be narrower or wider than a register: bytes that are not written count as what
    // does not change it.
    std::array<uint8_t, kSize> registers{};
    memcpy(&registers[kEnable], &state_.enable, 2);
    memcpy(&registers[kControl], &state_.control, 2);
    memcpy(&registers[offset], data.data(), data.size());
    uint16_t value = 0;
    memcpy(&value, &registers[kStatus], 2);
    state_.status = static_cast<uint16_t>(state_.status & ~value);
    memcpy(&value, &registers[kEnable], 2);
    state_.enable = value & kEnableBits;
    memcpy(&value, &registers[kControl], 2);
    write_control(value);
    update_sci();
}

void AcpiPm::write_control(uint16_t value) {
    state_.control = static_cast<uint16_t>((value & kSleepTypeMask) | kSciEnable);
    if (value & kSleepEnable &&
        (value & kSleepTypeMask) >> kSleepTypeShift == platform::kS5SleepType)
        requests_.request_shutdown();
}

uint32_t AcpiPm::timer() const {
    __extension__ using Wide = __int128;
    const Wide elapsed = monotonic_ns() - state_.timer_base_ns;
    return static_cast<uint32_t>(elapsed * kTimerHz / 1'000'000'000);
}

void AcpiPm::update_sci() {
    interrupts_.set_line(platform::kSciGsi, (state_.status & state_.enable) != 0);
}

}  // namespace cpr::vmm
