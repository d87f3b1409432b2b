// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_MONITOR_OPTIONS_H
#define CPR_VMM_MONITOR_OPTIONS_H

#include <string>
#include <vector>

#include "vmm/core/machine_config.h"
#include "vmm/sandbox/sandbox.h"

namespace cpr::vmm {

constexpr std::string_view kMachineType = "pc-q35-8.2";
constexpr uint32_t kMaxVcpus = 8;

// What the command line asks for. It is the part of QEMU's command line that libvirt's QEMU driver
// generates for the guests that this VMM can run (docs/cpr-vmm.rst).
struct CommandLine {
    enum class Action {
        kRun,       // a guest
        kProbe,     // -machine none: a monitor without a guest, for libvirt's capability probe
        kHelp,      // --help
        kVersion,   // --version
        kInfo,      // --info
        kRehearse,  // -cpr rehearse=: try to take a guest over
    };
    Action action = Action::kRun;
    MachineConfig machine;
    bool daemonize = false;
    std::string pid_file;
    bool dump_guest_core = true;
    SandboxOptions sandbox;
};

// What a monitor talks through.
const ChardevConfig& monitor_chardev(const MachineConfig& machine, const MonitorConfig& monitor);

// Whether a monitor is a connected socket: whoever is at its other end controls this program alone.
bool has_controller(const MachineConfig& machine);

// Parses the arguments after argv[0], and refuses what this VMM does not have or does not know: no
// option, property or device is ignored in silence. Touches nothing but memory. Throws Error
// kInvalidArgument or kUnsupported, which says what is wrong and where.
CommandLine parse_command_line(const std::vector<std::string>& arguments);

// The text of --help.
std::string command_line_help();

}  // namespace cpr::vmm

#endif
