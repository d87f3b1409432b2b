// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_EXEC_PREFIX_H
#define CPR_CONTROLLER_QEMU_EXEC_PREFIX_H

#include <string>

namespace cpr::controller::qemu {

// What a QEMU that is updated in its process executes first (cpr-exec-command): hands all
// descriptors of the process to the controller that listens at `path`, and becomes what that says.
// Returns only by throwing Error; the controller has then been told. For a process with one thread.
[[noreturn]] void become_next_qemu(const std::string& path);

}  // namespace cpr::controller::qemu

#endif
