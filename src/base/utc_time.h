// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_UTC_TIME_H
#define CPR_BASE_UTC_TIME_H

#include <cstdint>
#include <ctime>
#include <string>

namespace cpr {

// The host's clock, for people: 2026-01-31T23:59:59Z.
inline std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[sizeof("2026-01-31T23:59:59Z")];
    return std::string(text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts));
}

// CLOCK_REALTIME in nanoseconds, which somebody may set at any time: for the moments of others.
inline int64_t realtime_ns() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace cpr

#endif
