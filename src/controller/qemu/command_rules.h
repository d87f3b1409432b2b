// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_COMMAND_RULES_H
#define CPR_CONTROLLER_QEMU_COMMAND_RULES_H

#include <string_view>

#include "controller/qemu/configuration.h"

namespace cpr::controller::qemu {

// What a command of the monitor does to the configuration of the guest.
enum class CommandEffect {
    // Nothing, or what the guest's own state has.
    kNone,
    // The command line changes.
    kTracked,
    // It is given to the next QEMU again, before the guest is resumed.
    kReplayed,
    // It cannot be reproduced.
    kBlocks,
    // Not in the table.
    kUnknown,
};

struct CommandRule {
    std::string_view name;
    CommandEffect effect;
    // Of kTracked.
    Track track = nullptr;
    // Of kReplayed: the argument that tells settings apart, and what it names: "device", "node", or
    // "path" for a QOM path. Empty: there is one such setting.
    std::string_view key = {};
    std::string_view subject = {};
};

// The rule for a command. Commands that begin with query- or x-query- and have none are kNone.
CommandRule rule_for(std::string_view command);

// Takes a command that has succeeded into the configuration. Never throws Error: what cannot be
// followed becomes a blocker.
void apply_command(Configuration& guest, const Exchange& exchange);

}  // namespace cpr::controller::qemu

#endif
