// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_FLAT_PARAMS_H
#define CPR_CLIENT_FLAT_PARAMS_H

#include <nlohmann/json_fwd.hpp>

#include "client/typed_params.h"

namespace cpr::client {

// A JSON object as typed parameters: members of members by their path ("pause.total-ns"), lists by
// "NAME.count" and "NAME.0", ... Texts for people are in the language of the process. What has too
// long a name, or no value, is left out.
TypedParams flattened(const nlohmann::json& object);

}  // namespace cpr::client

#endif  // CPR_CLIENT_FLAT_PARAMS_H
