// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_LOG_H
#define CPR_BASE_LOG_H

#include <fmt/core.h>

#include <string_view>

namespace cpr::log {

enum class Level { kDebug, kInfo, kWarning, kError };

// One line on stderr: time, program, level, text. libvirt keeps a VMM's stderr as the domain's log.
// Debug lines appear only if LIBVIRT_CPR_DEBUG is set. Any thread.
void write(Level level, std::string_view text);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace cpr::log

#endif
