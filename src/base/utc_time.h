// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_UTC_TIME_H
#define CPR_BASE_UTC_TIME_H

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

}  // namespace cpr

#endif
