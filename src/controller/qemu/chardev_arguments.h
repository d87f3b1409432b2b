// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_CHARDEV_ARGUMENTS_H
#define CPR_CONTROLLER_QEMU_CHARDEV_ARGUMENTS_H

#include <nlohmann/json_fwd.hpp>

#include "controller/qemu/option.h"

namespace cpr::controller::qemu {

// The option -chardev that is what the arguments of a chardev-add command are; the two do not have
// the same form, and -chardev takes no JSON. Throws Error kUnsupported for what has no like.
Option chardev_option(const nlohmann::json& arguments);

}  // namespace cpr::controller::qemu

#endif
