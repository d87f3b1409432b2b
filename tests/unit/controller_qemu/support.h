// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_CONTROLLER_QEMU_SUPPORT_H
#define CPR_TESTS_CONTROLLER_QEMU_SUPPORT_H

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/qemu/argument_model.h"
#include "controller/qemu/version.h"

namespace cpr::controller::qemu {

using Arguments = std::vector<std::string>;

// The lines of a file of tests/golden/qemu.
Arguments golden_lines(const std::string& name);
nlohmann::json golden_json(const std::string& name);
// All command lines that are there.
std::vector<std::string> golden_command_lines();

// A small guest's, as libvirt would have that QEMU started.
Arguments line(const Version& version);

// A model of "qemu" with these arguments.
ArgumentModel model_of(const Arguments& arguments);
// The arguments without the program.
Arguments arguments_of(const ArgumentModel& model);
// The argument of the only option of that name with that id; empty if there is none.
std::string argument_of(const ArgumentModel& model, const std::string& name, const std::string& id);

}  // namespace cpr::controller::qemu

#endif
