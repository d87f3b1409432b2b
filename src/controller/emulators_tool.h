// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_EMULATORS_TOOL_H
#define CPR_CONTROLLER_EMULATORS_TOOL_H

#include <string>
#include <vector>

#include "controller/emulator_config.h"

namespace cpr::controller {

// virt-cpr-emulators: shows and changes which VMM stands behind an emulator program. Output and
// errors are in virsh's style.
class EmulatorsTool {
  public:
    // Emulator programs are sought in these folders, in order; `program` is what a VMM's path leads
    // to when it is diverted.
    EmulatorsTool(EmulatorConfig config, std::vector<std::string> folders, std::string program)
        : config_(std::move(config)), folders_(std::move(folders)), program_(std::move(program)) {}

    // Takes the arguments after the program's name; returns the exit status.
    int run(const std::vector<std::string>& arguments) const;

  private:
    void list() const;
    void show(const std::string& name) const;
    void set(const std::string& name, const std::string& binary) const;
    void divert(const std::string& path) const;
    void undivert(const std::string& path) const;
    void refresh_program(const std::string& name) const;

    EmulatorConfig config_;
    std::vector<std::string> folders_;
    std::string program_;
};

}  // namespace cpr::controller

#endif
