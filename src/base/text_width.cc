// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text_width.h"

#include <glib.h>

namespace cpr {
namespace {

bool goes_on(char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

size_t columns_of_character(std::string_view text) {
    const gunichar character =
        g_utf8_get_char_validated(text.data(), static_cast<gssize>(text.size()));
    if (character == static_cast<gunichar>(-1) || character == static_cast<gunichar>(-2))
        return 1;
    if (g_unichar_iszerowidth(character))
        return 0;
    return g_unichar_iswide(character) ? 2 : 1;
}

}  // namespace

size_t columns_of(std::string_view text) {
    size_t columns = 0;
    for (size_t i = 0; i < text.size(); ++i)
        if (!goes_on(text[i]))
            columns += columns_of_character(text.substr(i));
    return columns;
}

}  // namespace cpr
