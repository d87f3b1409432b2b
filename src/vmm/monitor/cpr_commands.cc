// SPDX-License-Identifier: LGPL-2.1-or-later
// Checkpoint and restart (docs/protocol.md).
#include <nlohmann/json.hpp>

#include "base/scope_exit.h"
#include "vmm/monitor/commands.h"
#include "vmm/vmm.h"

namespace cpr::vmm {
namespace {

using nlohmann::json;
using qmp::ArgumentType;
using qmp::Request;

json sections_shape(const std::vector<state::SectionInfo>& sections) {
    json shape = json::array();
    for (const state::SectionInfo& section : sections)
        shape.push_back({{"kind", section.kind}, {"version", section.version}});
    return shape;
}

json query(Vmm& vmm) {
    const Checkpoint::Outlook outlook = vmm.checkpoint().outlook();
    json blockers = json::array();
    for (const Blocker& blocker : outlook.blockers)
        blockers.push_back(to_json(blocker));
    json answer{{"version", vmm.version()},
                {"state", to_string(vmm.checkpoint().phase())},
                {"was-running", vmm.checkpoint().was_running()},
                {"blockers", blockers},
                {"descriptors", outlook.descriptors},
                {"sections", sections_shape(vmm.sections())}};
    if (const auto times = vmm.run_times())
        answer["timeline"] = {{"vcpus-stopped-ns", times->first_stopped_ns},
                              {"vcpus-running-ns", times->last_running_ns}};
    return answer;
}

// A number that may be left out, and is not negative.
int64_t number(const json& arguments, const char* name, int64_t otherwise) {
    const auto value = arguments.value(name, otherwise);
    if (value < 0)
        throw Error(ErrorCode::kInvalidArgument, "Parameter '{}' expects a non-negative value",
                    name);
    return value;
}

json save(Checkpoint& checkpoint, const json& arguments) {
    const auto limit = number(arguments, "timeout", std::chrono::milliseconds::max().count());
    const Checkpoint::SaveResult result = checkpoint.save(std::chrono::milliseconds(limit));
    return {{"was-running", result.was_running},
            {"state-bytes", result.state_bytes},
            {"sections", sections_shape(result.sections)},
            {"timeline",
             {{"begin-ns", result.begin_ns},
              {"vcpus-stopped-ns", result.vcpus_stopped_ns},
              {"interrupts-detached-ns", result.interrupts_detached_ns},
              {"state-written-ns", result.state_written_ns},
              {"vaddrs-invalidated-ns", result.vaddrs_invalidated_ns}}}};
}

json rehearse(const Checkpoint& checkpoint, Request& request) {
    Checkpoint::CopyResult result = checkpoint.copy();
    request.answer_fds.push_back(std::move(result.state));
    request.answer_fds.push_back(std::move(result.table));
    return {{"state-bytes", result.state_bytes}, {"pause-ns", result.pause_ns}};
}

json load(Checkpoint& checkpoint) {
    const Checkpoint::LoadResult result = checkpoint.load();
    return {{"was-running", result.was_running},
            {"timeline",
             {{"begin-ns", result.begin_ns},
              {"state-checked-ns", result.state_checked_ns},
              {"devices-built-ns", result.devices_built_ns},
              {"vaddrs-claimed-ns", result.vaddrs_claimed_ns},
              {"interrupts-attached-ns", result.interrupts_attached_ns}}}};
}

// Less than SCM_MAX_FD, so that a part always fits into one message.
constexpr size_t kDescriptorsAtOnce = 128;

json descriptors(Checkpoint& checkpoint, Request& request) {
    const auto first = number(request.arguments, "first", 0);
    return checkpoint.share(static_cast<size_t>(first), kDescriptorsAtOnce, request.answer_fds);
}

// The descriptor of the binary is not carried over; it is there again if the exec fails.
json exec(Vmm& vmm, const json& arguments) {
    std::vector<std::string> argv;
    for (const json& argument : arguments.at("arguments")) {
        if (!argument.is_string())
            throw Error(ErrorCode::kInvalidArgument,
                        "Invalid parameter type for 'arguments', expected: array of strings");
        argv.push_back(argument.get<std::string>());
    }
    if (argv.empty())
        throw Error(ErrorCode::kInvalidArgument, "Parameter 'arguments' is empty");
    const auto name = arguments.at("fdname").get<std::string>();
    UniqueFd binary = vmm.fd_sets().take_named(name);
    if (!binary)
        throw Error(ErrorCode::kInvalidArgument, "File descriptor named '{}' not found", name);
    const int fd = binary.get();
    const ScopeExit put_back([&] { vmm.fd_sets().add_named(name, std::move(binary)); });
    vmm.checkpoint().exec(fd, std::move(argv));
}

}  // namespace

void add_cpr_commands(qmp::CommandTable& table, Vmm& vmm) {
    constexpr unsigned kWhenSaved = 1U << Vmm::kSaved;
    constexpr unsigned kWhenIncoming = 1U << Vmm::kIncoming;
    constexpr unsigned kWhenLoaded = 1U << Vmm::kLoaded;
    table.add({"query-cpr", {}, Vmm::kAlways, [&vmm](Request&) { return query(vmm); }});
    table.add({"cpr-rehearse", {}, 1U << Vmm::kGuest, [&vmm](Request& request) {
                   return rehearse(vmm.checkpoint(), request);
               }});
    table.add({"cpr-save",
               {{"timeout", ArgumentType::kInteger, true}},
               Vmm::kWithGuest,
               [&vmm](Request& request) { return save(vmm.checkpoint(), request.arguments); }});
    table.add({"cpr-cancel", {}, kWhenSaved, [&vmm](Request&) {
                   vmm.checkpoint().cancel();
                   return json::object();
               }});
    table.add({"cpr-descriptors",
               {{"first", ArgumentType::kInteger, true}},
               kWhenSaved,
               [&vmm](Request& request) { return descriptors(vmm.checkpoint(), request); }});
    table.add({"cpr-exec",
               {{"fdname", ArgumentType::kString}, {"arguments", ArgumentType::kArray}},
               kWhenSaved | kWhenIncoming | kWhenLoaded,
               [&vmm](Request& request) { return exec(vmm, request.arguments); }});
    table.add({"cpr-finish", {}, Vmm::kWithGuest, [&vmm](Request&) {
                   vmm.checkpoint().finish();
                   return json::object();
               }});
    table.add({"cpr-load", {}, kWhenIncoming, [&vmm](Request&) { return load(vmm.checkpoint()); }});
}

}  // namespace cpr::vmm
