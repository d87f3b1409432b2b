// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_PLAN_JSON_H
#define CPR_CONTROLLER_CHARDEV_PLAN_JSON_H

#include <nlohmann/json_fwd.hpp>

#include "controller/chardev/plan.h"

namespace cpr::controller {

// For a controller that is executed later: descriptors are numbers, still owned by the plan.
nlohmann::json to_json(const ChardevPlan& plan);

// Takes the ownership of the descriptors, which have to be open, and makes them close-on-exec.
// Throws Error kInvalidArgument for what to_json() has not made.
ChardevPlan chardev_plan_from(const nlohmann::json& written);

}  // namespace cpr::controller

#endif
