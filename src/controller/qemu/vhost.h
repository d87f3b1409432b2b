// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_VHOST_H
#define CPR_CONTROLLER_QEMU_VHOST_H

#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "base/unique_fd.h"
#include "controller/qemu/argument_model.h"

namespace cpr::controller::qemu {

inline constexpr const char* kVhostNet = "/dev/vhost-net";

// Whether libvirt has passed descriptors of vhost for a network. They belong to the process that
// uses them first (VHOST_SET_OWNER): each QEMU needs its own.
bool has_passed_vhost(const ArgumentModel& line);

// Why `device` cannot be opened; nothing if it can.
std::optional<Text> vhost_problem(const std::string& device = kVhostNet);

// Opens a descriptor for each that was passed, and puts it into the command line instead. Throws
// Error.
std::vector<UniqueFd> reopen_vhost(ArgumentModel& line, const std::string& device = kVhostNet);

}  // namespace cpr::controller::qemu

#endif
