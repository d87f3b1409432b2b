// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/log.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <string>

namespace cpr::log {

void write(Level level, std::string_view text) {
    if (level == Level::kDebug && getenv("LIBVIRT_CPR_DEBUG") == nullptr)
        return;
    static constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    std::array<char, 32> stamp{};
    strftime(stamp.data(), stamp.size(), "%Y-%m-%d %H:%M:%S", &parts);
    const std::string line =
        fmt::format("{}.{:03}+0000: {}: {}: {}\n", stamp.data(), now.tv_nsec / 1'000'000,
                    program_invocation_short_name, kLevels[static_cast<size_t>(level)], text);
    // One write call, so that the lines of several processes on one log do not mix.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace cpr::log
