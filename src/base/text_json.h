// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_TEXT_JSON_H
#define CPR_BASE_TEXT_JSON_H

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/text.h"

namespace cpr {

// How a text travels (docs/protocol.md): its English wording as member `name` of an object, and
// beside it, as NAME-parts, what it was made of, if it was made of anything.
void put_text(nlohmann::json& object, const std::string& name, const Text& text);

// The text that is member `name`; empty if there is no such string. The sender may be anybody:
// parts that do not make up the English wording, or are too many or too deep, are left out.
Text text_in(const nlohmann::json& object, const std::string& name);

// The name of the member that has the parts.
std::string parts_name(const std::string& name);

}  // namespace cpr

#endif
