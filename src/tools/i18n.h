// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_I18N_H
#define CPR_TOOLS_I18N_H

#include <fmt/format.h>
#include <libintl.h>

#include <string>

#define _(text) gettext(text)
#define N_(text) text

namespace cpr::tools {

// Sets the program's language from its environment; call it first.
void set_up_language();

// fmt::format for a translated text, whose placeholders a compiler cannot see.
template <typename... Args>
std::string format_text(const char* text, const Args&... args) {
    return fmt::format(fmt::runtime(text), args...);
}

}  // namespace cpr::tools

#endif
