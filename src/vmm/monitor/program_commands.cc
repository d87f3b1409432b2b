// SPDX-License-Identifier: LGPL-2.1-or-later
// What the monitor tells about the program itself, mostly for libvirt's capability probe.
#include <nlohmann/json.hpp>

#include "vmm/monitor/commands.h"
#include "vmm/monitor/option_table.h"
#include "vmm/monitor/shapes.h"
#include "vmm/vmm.h"

namespace cpr::vmm {
namespace {

using nlohmann::json;
using qmp::ArgumentType;
using qmp::Request;

constexpr std::string_view kEvents[] = {"STOP",     "RESUME",    "RESET",
                                        "SHUTDOWN", "POWERDOWN", "GUEST_PANICKED"};

json machines() {
    return json::array({{{"name", kMachineType},
                         {"alias", "q35"},
                         {"is-default", true},
                         {"cpu-max", kMaxVcpus},
                         {"hotpluggable-cpus", false},
                         {"numa-mem-supported", false},
                         {"deprecated", false},
                         {"default-cpu-type", kCpuType},
                         {"default-ram-id", "pc.ram"},
                         {"acpi", true}},
                        {{"name", "none"},
                         {"cpu-max", 1},
                         {"hotpluggable-cpus", false},
                         {"numa-mem-supported", false},
                         {"deprecated", false},
                         {"acpi", false}}});
}

json schema(const qmp::CommandTable& table) {
    json schema = table.schema();
    schema.push_back({{"name", "event-data"}, {"meta-type", "object"}, {"members", json::array()}});
    for (const std::string_view event : kEvents)
        schema.push_back({{"name", event}, {"meta-type", "event"}, {"arg-type", "event-data"}});
    return schema;
}

json option_list(const json& arguments) {
    const auto wanted = arguments.value("option", std::string());
    json list = json::array();
    for (const OptionGroup& group : option_groups()) {
        if (!wanted.empty() && wanted != group.name)
            continue;
        json parameters = json::array();
        for (const OptionKey& key : group.keys)
            parameters.push_back({{"name", key.name}, {"type", key.type}});
        list.push_back({{"option", group.name}, {"parameters", parameters}});
    }
    if (list.empty())
        throw Error(ErrorCode::kInvalidArgument, "Invalid option name: {}", wanted);
    return list;
}

// The only capability of QEMU's migration that means something here is that events may be sent.
void set_migrate_capabilities(const json& arguments) {
    for (const json& entry : arguments.at("capabilities")) {
        const auto name = entry.is_object() ? entry.value("capability", json()) : json();
        if (name != "events")
            throw Error(ErrorCode::kUnsupported, "Parameter 'capability' does not accept value {}",
                        name.dump());
    }
}

}  // namespace

void add_program_commands(qmp::CommandTable& table, Vmm& vmm) {
    table.add({"query-version", {}, Vmm::kAlways, [&vmm](Request&) {
                   return version_shape(vmm.version());
               }});
    table.add({"query-target", {}, Vmm::kAlways, [](Request&) {
                   return json{{"arch", "x86_64"}};
               }});
    table.add({"query-commands", {}, Vmm::kAlways, [&table](Request&) { return table.names(); }});
    table.add({"query-qmp-schema", {}, Vmm::kAlways, [&table](Request&) { return schema(table); }});
    table.add({"query-events", {}, Vmm::kAlways, [](Request&) {
                   json events = json::array();
                   for (const std::string_view event : kEvents)
                       events.push_back({{"name", event}});
                   return events;
               }});
    table.add({"query-machines",
               {{"compat-props", ArgumentType::kBool, true}},
               Vmm::kAlways,
               [](Request&) { return machines(); }});
    table.add({"query-command-line-options",
               {{"option", ArgumentType::kString, true}},
               Vmm::kAlways,
               [](Request& request) { return option_list(request.arguments); }});
    table.add({"query-migrate-capabilities", {}, Vmm::kAlways, [](Request&) {
                   return json::array({{{"capability", "events"}, {"state", true}}});
               }});
    table.add({"migrate-set-capabilities",
               {{"capabilities", ArgumentType::kArray}},
               Vmm::kAlways,
               [](Request& request) {
                   set_migrate_capabilities(request.arguments);
                   return json::object();
               }});
    table.add({"quit", {}, Vmm::kAlways, [&vmm](Request&) {
                   vmm.end(ShutdownCause::kHostQmpQuit);
                   return json::object();
               }});
}

}  // namespace cpr::vmm
