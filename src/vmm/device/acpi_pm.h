// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_DEVICE_ACPI_PM_H
#define CPR_VMM_DEVICE_ACPI_PM_H

#include "vmm/core/bus.h"
#include "vmm/core/device.h"

namespace cpr::vmm {

struct AcpiPmState {
    static constexpr std::string_view kKind = "acpi-pm";
    static constexpr uint16_t kVersion = 1;
    uint16_t status = 0;
    uint16_t enable = 0;
    uint16_t control = 1;  // SCI_EN: there is no legacy mode to leave
    int64_t timer_base_ns = 0;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.status, self.enable, self.control, self.timer_base_ns);
    }
    bool operator==(const AcpiPmState&) const = default;
};

// The ACPI fixed hardware: power button, sleep control (S5 powers off) and the PM timer. The timer
// has no interrupt: its overflow bit stays 0.
class AcpiPm final : public StatefulDevice<AcpiPmState>, public BusDevice {
  public:
    static constexpr const char* kId = "acpi-pm";

    explicit AcpiPm(const DeviceContext& context);
    ~AcpiPm() override;

    // Machine lock.
    void press_power_button();

    void read(uint64_t offset, std::span<uint8_t> data) override;
    void write(uint64_t offset, std::span<const uint8_t> data) override;
    void reset() override;
    // SCI is level-triggered: KVM must be told of the level that stands.
    void attach_interrupts() override { update_sci(); }

  private:
    void write_control(uint16_t value);
    uint32_t timer() const;
    void update_sci();

    Bus& ports_;
    InterruptController& interrupts_;
    PlatformRequests& requests_;
};

}  // namespace cpr::vmm

#endif
