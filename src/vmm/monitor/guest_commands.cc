// SPDX-License-Identifier: LGPL-2.1-or-later
// What the monitor tells about the guest, and what it can do to it.
#include <nlohmann/json.hpp>

#include "vmm/monitor/commands.h"
#include "vmm/vmm.h"

namespace cpr::vmm {
namespace {

using nlohmann::json;
using qmp::ArgumentType;
using qmp::ClassError;
using qmp::Request;

json chardevs(const Vmm& vmm) {
    json list = json::array();
    for (const auto& [id, chardev] : vmm.chardevs())
        list.push_back({{"label", id},
                        {"filename", chardev->filename()},
                        {"frontend-open", chardev->frontend_open()}});
    for (const auto& monitor : vmm.monitors())
        list.push_back({{"label", monitor->chardev().id},
                        {"filename", monitor->filename()},
                        {"frontend-open", true}});
    return list;
}

json uuid(const MachineConfig& config) {
    constexpr std::string_view kNone = "00000000-0000-0000-0000-000000000000";
    return {{"UUID", config.uuid.empty() ? std::string(kNone) : config.uuid}};
}

json name(const MachineConfig& config) {
    return config.name.empty() ? json::object() : json{{"name", config.name}};
}

void add_queries(qmp::CommandTable& table, Vmm& vmm) {
    const MachineConfig& config = vmm.line().machine;
    table.add({"query-name", {}, Vmm::kAlways, [&config](Request&) { return name(config); }});
    table.add({"query-uuid", {}, Vmm::kAlways, [&config](Request&) { return uuid(config); }});
    table.add(
        {"query-status", {}, Vmm::kAlways, [&vmm](Request&) {
             const std::string_view status = vmm.status();
             return json{{"status", status}, {"running", status == to_string(RunState::kRunning)}};
         }});
    table.add({"query-chardev", {}, Vmm::kAlways, [&vmm](Request&) { return chardevs(vmm); }});
    table.add({"query-memory-size-summary", {}, Vmm::kAlways, [&config](Request&) {
                   return json{{"base-memory", config.memory_bytes}, {"plugged-memory", 0}};
               }});
    table.add({"query-balloon", {}, Vmm::kAlways, [](Request&) -> json {
                   throw ClassError("DeviceNotActive", ErrorCode::kUnsupported,
                                    "No balloon device has been activated");
               }});
    // What a guest of this VMM never has.
    for (const std::string_view none : {"query-iothreads", "query-block", "query-blockstats",
                                        "query-jobs", "query-block-jobs", "query-memory-devices"})
        table.add({none, {}, Vmm::kAlways, [](Request&) { return json::array(); }, true});
    table.add({"query-named-block-nodes",
               {{"flat", ArgumentType::kBool, true}},
               Vmm::kAlways,
               [](Request&) { return json::array(); }});
    table.add(
        {"query-rx-filter", {{"name", ArgumentType::kString, true}}, Vmm::kAlways, [](Request&) {
             return json::array();
         }});
    table.add({"query-migrate", {}, Vmm::kAlways, [](Request&) { return json::object(); }});
    table.add(
        {"query-migrate-parameters", {}, Vmm::kAlways, [](Request&) { return json::object(); }});
}

// Refuses an action that cannot be had.
void only(const json& arguments, const char* name, std::string_view possible) {
    const auto value = arguments.value(name, std::string(possible));
    if (value != possible)
        throw Error(ErrorCode::kInvalidArgument, "Parameter '{}' does not accept value '{}'", name,
                    value);
}

// True or false for the two values of an action; otherwise what it is now.
bool action(const json& arguments, const char* name, std::string_view on, std::string_view off,
            bool now) {
    const auto value = arguments.value(name, std::string(now ? on : off));
    if (value != on && value != off)
        throw Error(ErrorCode::kInvalidArgument, "Parameter '{}' does not accept value '{}'", name,
                    value);
    return value == on;
}

// A panic does what a power-off does, which is QEMU's default. There is no watchdog, so whatever is
// to be done then never is.
void set_action(Vmm& vmm, const json& arguments) {
    only(arguments, "panic", "shutdown");
    const GuestActions& now = vmm.actions();
    vmm.set_actions({action(arguments, "reboot", "shutdown", "reset", now.no_reboot),
                     action(arguments, "shutdown", "pause", "poweroff", now.no_shutdown)});
}

void add_controls(qmp::CommandTable& table, Vmm& vmm) {
    const auto add = [&table](std::string_view command, std::function<void()> action) {
        table.add({command, {}, Vmm::kWithGuest, [action = std::move(action)](Request&) {
                       action();
                       return json::object();
                   }});
    };
    add("stop", [&vmm] { vmm.machine().stop(); });
    add("cont", [&vmm] { vmm.resume(); });
    add("system_reset", [&vmm] { vmm.machine().reset(ShutdownCause::kHostQmpSystemReset); });
    table.add({"set-action",
               {{"reboot", ArgumentType::kString, true},
                {"shutdown", ArgumentType::kString, true},
                {"panic", ArgumentType::kString, true},
                {"watchdog", ArgumentType::kString, true}},
               Vmm::kWithGuest,
               [&vmm](Request& request) {
                   set_action(vmm, request.arguments);
                   return json::object();
               }});
    add("system_powerdown", [&vmm] {
        vmm.machine().press_power_button();
        vmm.emit("POWERDOWN");
    });
}

// What libvirt may ask for and this VMM cannot do.
void add_refusals(qmp::CommandTable& table) {
    const std::pair<std::string_view, std::string_view> refusals[] = {
        {"device_add", "hot-plugging devices is not supported"},
        {"device_del", "hot-unplugging devices is not supported"},
        {"object-add", "adding objects at run time is not supported"},
        {"object-del", "removing objects at run time is not supported"},
        {"netdev_add", "network devices are not supported"},
        {"blockdev-add", "block devices are not supported"},
        {"chardev-add", "adding character devices at run time is not supported"},
        {"set_link", "network devices are not supported"},
        {"balloon", "memory ballooning is not supported"},
        {"migrate", "saving and migrating the guest is not supported; updating in place is"},
        {"migrate-set-parameters",
         "saving and migrating the guest is not supported; updating in place is"},
        {"dump-guest-memory", "dumping the guest's memory is not supported"},
        {"screendump", "there is no display"},
    };
    for (const auto& [command, reason] : refusals)
        table.add({command,
                   {},
                   Vmm::kAlways,
                   [reason = std::string(reason)](Request&) -> json {
                       throw Error(ErrorCode::kUnsupported, "{}", reason);
                   },
                   true});
}

}  // namespace

void add_guest_commands(qmp::CommandTable& table, Vmm& vmm) {
    add_queries(table, vmm);
    add_controls(table, vmm);
    add_refusals(table);
}

void add_commands(qmp::CommandTable& table, Vmm& vmm) {
    add_program_commands(table, vmm);
    add_guest_commands(table, vmm);
    add_cpu_commands(table, vmm);
    add_host_commands(table, vmm);
    add_object_commands(table, vmm);
    add_fd_commands(table, vmm);
    add_cpr_commands(table, vmm);
}

}  // namespace cpr::vmm
