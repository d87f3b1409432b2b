// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_BLOCKER_H
#define CPR_BASE_BLOCKER_H

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/text.h"

namespace cpr {

// Why a guest cannot be updated now: a stable id, a reason, and what to do about it.
struct Blocker {
    std::string id;
    Text reason;
    Text remedy;

    bool operator==(const Blocker&) const = default;
};

// As query-cpr lists it.
nlohmann::json to_json(const Blocker& blocker);

}  // namespace cpr

#endif
