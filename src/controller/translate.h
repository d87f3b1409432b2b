// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_TRANSLATE_H
#define CPR_CONTROLLER_TRANSLATE_H

#include <fmt/format.h>
#include <libintl.h>

#include <string>

#define _(text) gettext(text)

namespace cpr::controller {

// fmt::format for a translated text, whose placeholders a compiler cannot see.
template <typename... Args>
std::string format_text(const char* text, const Args&... args) {
    return fmt::format(fmt::runtime(text), args...);
}

}  // namespace cpr::controller

#endif
