// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_TRANSLATE_H
#define CPR_BASE_TRANSLATE_H

#include <fmt/format.h>
#include <libintl.h>

#include <string>

#include "config.h"

#define _(text) ::cpr::translated(text)

namespace cpr {

// The text in the language of the process, which stays English unless the program has called
// setlocale(). The catalogue is looked up by name: a library must not change its program's own.
inline const char* translated(const char* text) {
    [[maybe_unused]] static const char* const folder = bindtextdomain(PACKAGE, LOCALEDIR);
    return dgettext(PACKAGE, text);
}

// fmt::format for a translated text, whose placeholders a compiler cannot see.
template <typename... Args>
std::string format_text(const char* text, const Args&... args) {
    return fmt::format(fmt::runtime(text), args...);
}

}  // namespace cpr

#endif
