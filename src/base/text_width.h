// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_TEXT_WIDTH_H
#define CPR_BASE_TEXT_WIDTH_H

#include <cstddef>
#include <string_view>

namespace cpr {

// How many columns of a terminal a UTF-8 text takes, as far as that goes without knowing its font.
// What is no UTF-8 counts as one column for each character that it begins.
size_t columns_of(std::string_view text);

}  // namespace cpr

#endif
