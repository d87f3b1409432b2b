// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_LAUNCH_H
#define CPR_CONTROLLER_LAUNCH_H

#include <cstddef>
#include <string>
#include <vector>

#include "controller/command_line.h"
#include "controller/emulator_config.h"

namespace cpr::controller {

// Options of virt-cpr-controller, --NAME=VALUE. Those that end in fd are descriptor numbers.
constexpr const char* kListenerOption = "listen-fd";
constexpr const char* kMonitorOption = "monitor-fd";
constexpr const char* kPidfdOption = "pidfd";
constexpr const char* kPidOption = "pid";
constexpr const char* kBinaryFdOption = "binary-fd";
constexpr const char* kBinaryOption = "binary";
constexpr const char* kArgumentsOption = "arguments-fd";
constexpr const char* kEmulatorOption = "emulator";
constexpr const char* kDomainOption = "domain";
// Of stock QEMU: its version, the descriptors that it inherits, 3,4,5, a ChardevPlan and a VncPlan.
constexpr const char* kQemuOption = "qemu";
constexpr const char* kInheritedOption = "inherited-fds";
constexpr const char* kChardevsOption = "chardevs";
constexpr const char* kVncOption = "vnc";
// Of stock QEMU that can be updated in its process: our end of a message pair, over which the
// listener of its filter comes if it has one.
constexpr const char* kExecOption = "exec-fd";

// Of a VMM's command line, in bytes.
constexpr size_t kMaxArguments = size_t{4} << 20;

// Becomes the VMM. Returns only by throwing Error.
[[noreturn]] void exec_vmm(const std::string& binary, std::vector<std::string> arguments);

// Starts the controller beside this process, with the command line's listening monitor, and becomes
// the VMM on a private one. Returns only by throwing Error; a controller that was started then ends
// with this process. For a process with one thread.
[[noreturn]] void launch_domain(const CommandLine& line, const EmulatorEntry& entry,
                                const std::string& controller);

}  // namespace cpr::controller

#endif
