// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_TRANSFER_CHECKS_H
#define CPR_CONTROLLER_QEMU_TRANSFER_CHECKS_H

#include <set>
#include <string>
#include <vector>

#include "controller/qemu/argument_model.h"
#include "controller/qemu/blocker.h"
#include "controller/qemu/version.h"

namespace cpr::controller::qemu {

// What a second QEMU beside the first cannot take over from it, though it would start, or would be
// started to find out: each a blocker.
std::vector<Blocker> check_transfer(const ArgumentModel& line, const Version& version);

// What stands in the way of an update in QEMU's process beside that, which QEMU would not refuse.
// `confined`: under exec_filter().
std::vector<Blocker> check_exec(const ArgumentModel& line, const Version& version, bool confined);

// Whether a device of the host's is passed through by VFIO.
bool uses_vfio(const ArgumentModel& line);
// The ids of those devices.
std::set<std::string> vfio_devices(const ArgumentModel& line);

}  // namespace cpr::controller::qemu

#endif
