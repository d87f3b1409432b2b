// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/monitor/option_table.h"

namespace cpr::vmm {
namespace {

void parse_name(OptionParser& parser, const std::string& text) {
    Properties p("-name", text, "guest");
    parser.line.machine.name = p.require("guest");
    // Threads always have names.
    p.only("debug-threads", {"on", "off"});
    p.finish();
}

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

void parse_uuid(OptionParser& parser, const std::string& text) {
    constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool good = text.size() == kShape.size();
    for (size_t i = 0; good && i < text.size(); ++i)
        good = kShape[i] == '-' ? text[i] == '-' : is_hex(text[i]);
    if (!good)
        throw Error(ErrorCode::kInvalidArgument, "-uuid {}: this is no UUID", text);
    parser.line.machine.uuid = text;
}

void parse_display(OptionParser&, const std::string& text) {
    if (text != "none")
        throw Error(ErrorCode::kUnsupported, "-display {}: only 'none' is supported", text);
}

void parse_msg(OptionParser&, const std::string& text) {
    // Lines on stderr always have the time.
    Properties p("-msg", text);
    p.only("timestamp", {"on", "off"});
    p.only("guest-name", {"off"});
    p.finish();
}

bool take_denial(Properties& p, std::string_view key) {
    const std::string value = p.take(key).value_or("allow");
    if (value != "allow" && value != "deny")
        throw p.error(ErrorCode::kUnsupported, "{}={}: only 'allow' and 'deny' are supported", key,
                      value);
    return value == "deny";
}

void parse_sandbox(OptionParser& parser, const std::string& text) {
    Properties p("-sandbox", text, "enable");
    SandboxOptions& sandbox = parser.line.sandbox;
    sandbox.on = p.take_bool("enable", false);
    sandbox.deny_obsolete = take_denial(p, "obsolete");
    sandbox.deny_elevate_privileges = take_denial(p, "elevateprivileges");
    sandbox.deny_spawn = take_denial(p, "spawn");
    sandbox.deny_resource_control = take_denial(p, "resourcecontrol");
    p.finish();
}

using Action = CommandLine::Action;

void parse_cpr(OptionParser& parser, const std::string& text) {
    Properties p("-cpr", text);
    parser.line.machine.cpr_fd = static_cast<int>(p.require_number("fd", INT32_MAX));
    if (const auto copy = p.take_number("rehearse", INT32_MAX)) {
        parser.line.machine.rehearsal_fd = static_cast<int>(*copy);
        parser.line.action = Action::kRehearse;
    }
    p.finish();
}

constexpr Option kOptions[] = {
    {"name", "guest=NAME,debug-threads=on", "name of the guest", false, parse_name},
    {"uuid", "UUID", "UUID of the guest", false, parse_uuid},
    {"S", "", "leave the guest paused until the monitor's cont", false,
     [](OptionParser& p, const std::string&) { p.line.machine.start_paused = true; }},
    {"no-reboot", "", "a guest's reset ends the VMM", false,
     [](OptionParser& p, const std::string&) { p.line.machine.no_reboot = true; }},
    {"no-shutdown", "", "a guest's power-off or panic pauses it instead of ending the VMM", false,
     [](OptionParser& p, const std::string&) { p.line.machine.no_shutdown = true; }},
    {"daemonize", "", "go on in the background once everything is set up", false,
     [](OptionParser& p, const std::string&) { p.line.daemonize = true; }},
    {"pidfile", "FILE", "write the process id to FILE", false,
     [](OptionParser& p, const std::string& text) { p.line.pid_file = text; }},
    {"sandbox", "on|off,obsolete=W,elevateprivileges=W,spawn=W,resourcecontrol=W",
     "deny system calls by seccomp; W is allow or deny", false, parse_sandbox},
    {"display", "none", "accepted: there is no display", false, parse_display},
    {"nographic", "", "accepted: there is no display", false,
     [](OptionParser&, const std::string&) {}},
    {"nodefaults", "", "accepted: there are no default devices", false,
     [](OptionParser&, const std::string&) {}},
    {"no-user-config", "", "accepted: there is no configuration file", false,
     [](OptionParser&, const std::string&) {}},
    {"msg", "timestamp=on|off", "accepted: messages have the time", false, parse_msg},
    {"cpr", "fd=N,rehearse=M",
     "continue a guest from the descriptor table in memfd N; with M, only try to, on the copy of "
     "its state in memfd M",
     false, parse_cpr},
    {"help", "", "show this text", true,
     [](OptionParser& p, const std::string&) { p.line.action = Action::kHelp; }},
    {"h", "", "the same", true,
     [](OptionParser& p, const std::string&) { p.line.action = Action::kHelp; }},
    {"version", "", "show the version", true,
     [](OptionParser& p, const std::string&) { p.line.action = Action::kVersion; }},
    {"info", "", "show name, version and state versions as JSON", true,
     [](OptionParser& p, const std::string&) { p.line.action = Action::kInfo; }},
};

}  // namespace

std::span<const Option> process_options() {
    return kOptions;
}

}  // namespace cpr::vmm
