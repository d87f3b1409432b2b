// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/device/cmos_rtc.h"

#include <algorithm>

#include "base/error.h"
#include "vmm/core/platform.h"
#include "vmm/device/cmos_rtc_registers.h"

namespace cpr::vmm {

using namespace cmos_rtc;

namespace {

// The data sheet's time between the update-in-progress bit and the update.
constexpr long kUpdateNs = 244'000;

}  // namespace

void CmosRtcState::validate() const {
    if (index >= memory.size())
        throw Error(ErrorCode::kCorruptState, "the CMOS index is {}", index);
}

timespec CmosRtc::host_time() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return now;
}

CmosRtc::CmosRtc(const DeviceContext& context, bool utc, Clock now)
    : StatefulDevice(kId, context), ports_(context.ports), now_(now) {
    if (!restored()) {
        reset();
        if (!utc) {
            const timespec host = now_();
            tm local{};
            localtime_r(&host.tv_sec, &local);
            state_.offset_seconds = local.tm_gmtoff;
        }
    }
    ports_.map(platform::kRtcPort, 2, *this, kId);
}

CmosRtc::~CmosRtc() {
    ports_.unmap(platform::kRtcPort);
}

void CmosRtc::reset() {
    // The clock runs on its battery; only the control registers go back.
    state_.index = 0;
    state_.memory[kA] = kADefault;
    state_.memory[kB] = kB24Hours;
}

void CmosRtc::read(uint64_t offset, std::span<uint8_t> data) {
    std::ranges::fill(data, uint8_t{0xff});
    if (offset == 1)
        data[0] = read_register();
    else if (data.size() > 1)
        data[1] = read_register();
}

void CmosRtc::write(uint64_t offset, std::span<const uint8_t> data) {
    if (offset == 0)
        state_.index = data[0] & 0x7f;
    if (offset == 1)
        write_register(data[0]);
    else if (data.size() > 1)
        write_register(data[1]);
}

bool CmosRtc::is_time(uint8_t index) const {
    return index == kSeconds || index == kMinutes || index == kHours ||
           (index >= kWeekday && index <= kYear) || index == kCentury;
}

uint8_t CmosRtc::read_register() {
    const uint8_t index = state_.index;
    if (is_time(index))
        return time_register(index);
    const timespec host = now_();
    switch (index) {
        case kA: {
            const bool updating = host.tv_nsec >= 1'000'000'000 - kUpdateNs;
            return static_cast<uint8_t>(state_.memory[kA] | (updating ? kAUpdateInProgress : 0));
        }
        case kC: {
            const bool ended = host.tv_sec != state_.last_update_seen;
            state_.last_update_seen = host.tv_sec;
            return ended ? kCUpdateEnded : 0;
        }
        case kD:
            return kDValid;
        default:
            return state_.memory[index];
    }
}

void CmosRtc::write_register(uint8_t value) {
    const uint8_t index = state_.index;
    if (is_time(index))
        set_time_register(index, value);
    else if (index == kA)
        state_.memory[kA] = value & 0x7f;
    else if (index != kC && index != kD)
        state_.memory[index] = value;
}

uint8_t CmosRtc::encode(int value) const {
    return static_cast<uint8_t>(state_.memory[kB] & kBBinary ? value
                                                             : value / 10 % 10 << 4 | value % 10);
}

int CmosRtc::decode(uint8_t value) const {
    return state_.memory[kB] & kBBinary ? value : (value >> 4) * 10 + (value & 0xf);
}

uint8_t CmosRtc::time_register(uint8_t index) const {
    const time_t seconds = now_().tv_sec + state_.offset_seconds;
    tm now{};
    gmtime_r(&seconds, &now);
    switch (index) {
        case kSeconds:
            return encode(now.tm_sec);
        case kMinutes:
            return encode(now.tm_min);
        case kHours: {
            if (state_.memory[kB] & kB24Hours)
                return encode(now.tm_hour);
            const int hour = now.tm_hour % 12 == 0 ? 12 : now.tm_hour % 12;
            return static_cast<uint8_t>(encode(hour) | (now.tm_hour >= 12 ? kPm : 0));
        }
        case kWeekday:
            return encode(now.tm_wday + 1);
        case kDay:
            return encode(now.tm_mday);
        case kMonth:
            return encode(now.tm_mon + 1);
        case kYear:
            return encode(now.tm_year % 100);
        default:
            return encode((now.tm_year + 1900) / 100);
    }
}

void CmosRtc::set_time_register(uint8_t index, uint8_t value) {
    const time_t host = now_().tv_sec;
    const time_t seconds = host + state_.offset_seconds;
    tm now{};
    gmtime_r(&seconds, &now);
    const int number = decode(index == kHours ? value & ~kPm : value);
    const int years = now.tm_year + 1900;
    switch (index) {
        case kSeconds:
            now.tm_sec = number;
            break;
        case kMinutes:
            now.tm_min = number;
            break;
        case kHours:
            now.tm_hour =
                state_.memory[kB] & kB24Hours ? number : number % 12 + (value & kPm ? 12 : 0);
            break;
        case kDay:
            now.tm_mday = number;
            break;
        case kMonth:
            now.tm_mon = number - 1;
            break;
        case kYear:
            now.tm_year = years / 100 * 100 + number % 100 - 1900;
            break;
        case kCentury:
            now.tm_year = number * 100 + years % 100 - 1900;
            break;
        default:
            // The day of the week follows from the date.
            break;
    }
    state_.offset_seconds = timegm(&now) - host;
}

}  // namespace cpr::vmm
