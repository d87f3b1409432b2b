// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_LINE_CHECKS_H
#define CPR_CONTROLLER_QEMU_LINE_CHECKS_H

#include <vector>

#include "controller/qemu/argument_model.h"
#include "controller/qemu/blocker.h"

namespace cpr::controller::qemu {

// What stands in the way of starting QEMU once more with a command line: options that are good for
// one start, further monitors, over which the guest can be changed unseen, and what is used and not
// there, since it was removed.
std::vector<Blocker> check_line(const ArgumentModel& line);

}  // namespace cpr::controller::qemu

#endif
