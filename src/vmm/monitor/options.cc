// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/monitor/options.h"

#include <algorithm>

#include "vmm/monitor/option_table.h"

namespace cpr::vmm {
namespace {

constexpr auto kTables = {machine_options, device_options, process_options};

const Option* find_option(std::string_view name) {
    for (const auto& table : kTables)
        for (const Option& option : table())
            if (option.name == name)
                return &option;
    return nullptr;
}

// QEMU takes options with one dash or two.
std::string_view option_name(const std::string& argument, size_t position) {
    std::string_view name = argument;
    if (!name.starts_with('-') || name.size() < 2)
        throw Error(ErrorCode::kInvalidArgument,
                    "argument {} ('{}') is no option: disk images and other bare arguments are not "
                    "supported",
                    position, argument);
    name.remove_prefix(name.starts_with("--") ? 2 : 1);
    return name;
}

void parse_all(OptionParser& parser, const std::vector<std::string>& arguments) {
    for (size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view name = option_name(arguments[i], i + 1);
        const Option* option = find_option(name);
        if (!option)
            throw Error(ErrorCode::kUnsupported,
                        "option '{}' (argument {}) is not supported; --help lists those that are",
                        arguments[i], i + 1);
        if (std::ranges::count(parser.seen, name) > 0 && !option->repeatable)
            throw Error(ErrorCode::kInvalidArgument, "option '{}' is given twice", arguments[i]);
        parser.seen.emplace_back(name);
        if (option->argument.empty()) {
            option->parse(parser, {});
            continue;
        }
        if (i + 1 == arguments.size())
            throw Error(ErrorCode::kInvalidArgument, "option '{}' needs an argument: {}",
                        arguments[i], option->argument);
        option->parse(parser, arguments[++i]);
    }
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
    OptionParser parser;
    parse_all(parser, arguments);
    using Action = CommandLine::Action;
    const Action action = parser.line.action;
    if (action == Action::kHelp || action == Action::kVersion || action == Action::kInfo)
        return parser.line;
    finish_machine(parser);
    finish_devices(parser);
    return parser.line;
}

const ChardevConfig& monitor_chardev(const MachineConfig& machine, const MonitorConfig& monitor) {
    return *std::ranges::find(machine.chardevs, monitor.chardev, &ChardevConfig::id);
}

bool has_controller(const MachineConfig& machine) {
    return std::ranges::any_of(machine.monitors, [&](const MonitorConfig& monitor) {
        return !monitor_chardev(machine, monitor).server;
    });
}

std::string command_line_help() {
    std::string text =
        "usage: cpr-vmm OPTIONS\n\n"
        "A virtual machine monitor for KVM that takes the options that libvirt's QEMU driver\n"
        "generates. Properties are KEY=VALUE,... or, where JSON is named, a JSON object.\n\n";
    for (const auto& table : kTables)
        for (const Option& option : table())
            text += fmt::format("-{} {}\n        {}\n", option.name, option.argument, option.help);
    return text;
}

}  // namespace cpr::vmm
