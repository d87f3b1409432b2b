// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_FRONTENDS_H
#define CPR_CONTROLLER_CHARDEV_FRONTENDS_H

#include <string>
#include <string_view>

#include "base/text.h"
#include "controller/qemu/argument_model.h"

namespace cpr::controller {

// Why bytes alone are not enough for what uses the character device in QEMU: it passes descriptors,
// or acts when a client connects, which a relay hides. Empty if they are.
Text reason_against_relay(const qemu::ArgumentModel& line, std::string_view id);

}  // namespace cpr::controller

#endif
