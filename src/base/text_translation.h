// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_TEXT_TRANSLATION_H
#define CPR_BASE_TEXT_TRANSLATION_H

#include <string>

#include "base/text.h"

namespace cpr {

// The text in the language of the process (see translated()), with the texts within it. What no
// catalogue has stays English. Never throws for what a text says, whoever made it.
std::string translation_of(const Text& text);

}  // namespace cpr

#endif
