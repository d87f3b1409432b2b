// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/blocker.h"

#include <nlohmann/json.hpp>

#include "base/text_json.h"

namespace cpr {

nlohmann::json to_json(const Blocker& blocker) {
    nlohmann::json object{{"id", blocker.id}};
    put_text(object, "reason", blocker.reason);
    put_text(object, "remedy", blocker.remedy);
    return object;
}

}  // namespace cpr
