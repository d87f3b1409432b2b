// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_CONTROLLER_CHARDEV_COMMAND_LINES_H
#define CPR_TESTS_CONTROLLER_CHARDEV_COMMAND_LINES_H

#include <string>
#include <vector>

#include "controller/qemu/argument_model.h"

namespace cpr::controller {

// A command line with these options -chardev.
inline qemu::ArgumentModel line_with(const std::vector<std::string>& chardevs) {
    std::vector<std::string> arguments{"qemu"};
    for (const std::string& chardev : chardevs) {
        arguments.emplace_back("-chardev");
        arguments.push_back(chardev);
    }
    return qemu::ArgumentModel::parse(arguments);
}

}  // namespace cpr::controller

#endif
