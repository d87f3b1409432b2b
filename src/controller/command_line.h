// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_COMMAND_LINE_H
#define CPR_CONTROLLER_COMMAND_LINE_H

#include <optional>
#include <string>
#include <vector>

namespace cpr::controller {

// The command line that libvirt made for a VMM. Of all of it only the monitor's character device
// concerns us: libvirt names it charmonitor, whichever of -mon and -object monitor-qmp uses it.
class CommandLine {
  public:
    // Takes argv, program name first. Throws Error kInvalidArgument for a charmonitor that libvirt
    // does not pass as a listening descriptor.
    explicit CommandLine(std::vector<std::string> arguments);

    // The listening socket of libvirt's monitor. Nothing if there is none: a capability probe,
    // -help, -version, or a VMM that somebody starts by hand.
    std::optional<int> monitor_fd() const { return monitor_fd_; }

    // The guest's name out of -name, for logs; empty if there is none.
    std::string guest_name() const;

    // The same command line for `program`, with the monitor on the connected socket `fd`.
    std::vector<std::string> for_vmm(const std::string& program, int fd) const;

    const std::vector<std::string>& arguments() const { return arguments_; }

  private:
    std::vector<std::string> arguments_;
    size_t monitor_index_ = 0;
    std::optional<int> monitor_fd_;
};

// Arguments as a memfd carries them from the emulator program to the controller: each with a zero
// byte at its end, as the kernel shows them in /proc/PID/cmdline.
std::string join_arguments(const std::vector<std::string>& arguments);
// Throws Error kInvalidArgument if the last argument has no end.
std::vector<std::string> split_arguments(const std::string& text);

}  // namespace cpr::controller

#endif
