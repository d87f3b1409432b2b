// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_OPTION_TABLE_H
#define CPR_CONTROLLER_QEMU_OPTION_TABLE_H

#include <string_view>

namespace cpr::controller::qemu {

// What follows an option of QEMU's on the command line.
enum class ArgumentForm {
    kNone,
    // Not looked into.
    kText,
    // key=value,...
    kPairs,
    // key=value,..., or one JSON object.
    kPairsOrJson,
};

struct OptionKind {
    std::string_view name;
    ArgumentForm form;
    // The key of a first value that has none; empty if there is no such key.
    std::string_view implied_key = {};
    // The name under which the option is looked up: -M is -machine.
    std::string_view same_as = {};

    std::string_view canonical() const { return same_as.empty() ? name : same_as; }
};

// The option with that name, without dashes; nullptr for one that the table does not have.
const OptionKind* find_option(std::string_view name);

}  // namespace cpr::controller::qemu

#endif
