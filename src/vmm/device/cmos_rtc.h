// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_DEVICE_CMOS_RTC_H
#define CPR_VMM_DEVICE_CMOS_RTC_H

#include <array>
#include <ctime>

#include "vmm/core/bus.h"
#include "vmm/core/device.h"

namespace cpr::vmm {

struct CmosRtcState {
    static constexpr std::string_view kKind = "cmos-rtc";
    static constexpr uint16_t kVersion = 1;
    uint8_t index = 0;
    std::array<uint8_t, 128> memory{};
    int64_t offset_seconds = 0;    // the guest's clock minus the host's
    int64_t last_update_seen = 0;  // the second when register C was read

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.index, self.memory, self.offset_seconds, self.last_update_seen);
    }
    void validate() const;
    bool operator==(const CmosRtcState&) const = default;
};

// The CMOS clock: the host's time with an offset, and 128 bytes of memory. It has no interrupts: a
// guest that wants alarms has its kernel's timers.
class CmosRtc final : public StatefulDevice<CmosRtcState>, public BusDevice {
  public:
    static constexpr const char* kId = "cmos-rtc";

    // `utc`: whether the clock shows UTC or the host's local time at a cold start. `now` gives the
    // host's time; tests bring their own.
    using Clock = timespec (*)();
    CmosRtc(const DeviceContext& context, bool utc, Clock now = host_time);
    ~CmosRtc() override;

    void read(uint64_t offset, std::span<uint8_t> data) override;
    void write(uint64_t offset, std::span<const uint8_t> data) override;
    void reset() override;

  private:
    static timespec host_time();
    uint8_t read_register();
    void write_register(uint8_t value);
    bool is_time(uint8_t index) const;
    uint8_t time_register(uint8_t index) const;
    void set_time_register(uint8_t index, uint8_t value);
    uint8_t encode(int value) const;
    int decode(uint8_t value) const;

    Bus& ports_;
    Clock now_;
};

}  // namespace cpr::vmm

#endif
