// SPDX-License-Identifier: LGPL-2.1-or-later
// Processors.
#include <nlohmann/json.hpp>

#include "vmm/monitor/commands.h"
#include "vmm/monitor/shapes.h"
#include "vmm/vmm.h"

namespace cpr::vmm {
namespace {

using nlohmann::json;
using qmp::ArgumentType;
using qmp::Request;

json cpus_fast(Vmm& vmm) {
    json list = json::array();
    for (const VcpuInfo& vcpu : vmm.machine().vcpus())
        list.push_back({{"cpu-index", vcpu.index},
                        {"qom-path", cpu_path(vcpu.index)},
                        {"qom-type", kCpuType},
                        {"thread-id", vcpu.thread_id},
                        {"target", "x86_64"},
                        {"props", cpu_props(vmm.line().machine.topology, vcpu.index)}});
    return list;
}

json hotpluggable_cpus(const MachineConfig& config) {
    json list = json::array();
    for (uint32_t index = 0; index < config.vcpus; ++index)
        list.push_back({{"type", kCpuType},
                        {"vcpus-count", 1},
                        {"qom-path", cpu_path(index)},
                        {"props", cpu_props(config.topology, index)}});
    return list;
}

// There is one model, which is what the host has; it has no features that could be listed without
// saying which host.
json expand_model(const json& arguments) {
    const json name = arguments.at("model").value("name", json());
    if (name != "host" && name != "max")
        throw Error(ErrorCode::kUnsupported, "The CPU model {} is not supported", name.dump());
    return {{"model", {{"name", name}, {"props", {{"migratable", true}}}}}};
}

}  // namespace

void add_cpu_commands(qmp::CommandTable& table, Vmm& vmm) {
    table.add(
        {"query-cpus-fast", {}, Vmm::kGuestOrSaved, [&vmm](Request&) { return cpus_fast(vmm); }});
    table.add({"query-hotpluggable-cpus", {}, Vmm::kGuestOrSaved, [&vmm](Request&) {
                   return hotpluggable_cpus(vmm.line().machine);
               }});
    table.add({"query-cpu-definitions", {}, Vmm::kAlways, [](Request&) {
                   return json::array({{{"name", "host"},
                                        {"typename", kCpuType},
                                        {"unavailable-features", json::array()},
                                        {"static", false},
                                        {"migration-safe", false},
                                        {"deprecated", false}}});
               }});
    table.add({"query-cpu-model-expansion",
               {{"type", ArgumentType::kString}, {"model", ArgumentType::kObject}},
               Vmm::kAlways,
               [](Request& request) { return expand_model(request.arguments); }});
}

}  // namespace cpr::vmm
