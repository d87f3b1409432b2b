// SPDX-License-Identifier: LGPL-2.1-or-later
// Descriptors that come over the monitor.
#include <nlohmann/json.hpp>

#include "base/json_number.h"
#include "vmm/monitor/commands.h"
#include "vmm/vmm.h"

namespace cpr::vmm {
namespace {

using nlohmann::json;
using qmp::ArgumentType;
using qmp::Request;

UniqueFd passed_fd(Request& request) {
    if (request.fds.empty())
        throw Error(ErrorCode::kInvalidArgument, "No file descriptor supplied via SCM_RIGHTS");
    return std::move(request.fds.front());
}

// A number from the arguments, or -1 if it is not there.
int number(const json& arguments, const char* name) {
    if (!arguments.contains(name))
        return -1;
    const auto value = integer_in<int>(arguments[name]);
    if (!value)
        throw Error(ErrorCode::kInvalidArgument, "Parameter '{}' is out of range", name);
    return *value;
}

json add_to_set(FdSets& sets, Request& request) {
    UniqueFd fd = passed_fd(request);
    const int descriptor = fd.get();
    if (number(request.arguments, "fdset-id") < -1)
        throw Error(ErrorCode::kInvalidArgument,
                    "Parameter 'fdset-id' expects a non-negative value");
    const int set = sets.add(number(request.arguments, "fdset-id"), std::move(fd),
                             request.arguments.value("opaque", std::string()));
    return {{"fdset-id", set}, {"fd", descriptor}};
}

json list_sets(const FdSets& sets) {
    json list = json::array();
    for (const auto& [set, members] : sets.sets()) {
        json fds = json::array();
        for (const FdSets::Member& member : members) {
            fds.push_back({{"fd", member.fd.get()}});
            if (!member.opaque.empty())
                fds.back()["opaque"] = member.opaque;
        }
        list.push_back({{"fdset-id", set}, {"fds", fds}});
    }
    return list;
}

}  // namespace

void add_fd_commands(qmp::CommandTable& table, Vmm& vmm) {
    FdSets& sets = vmm.fd_sets();
    table.add(
        {"getfd", {{"fdname", ArgumentType::kString}}, Vmm::kAlways, [&sets](Request& request) {
             UniqueFd fd = passed_fd(request);
             sets.add_named(request.arguments.at("fdname").get<std::string>(), std::move(fd));
             return json::object();
         }});
    table.add(
        {"closefd", {{"fdname", ArgumentType::kString}}, Vmm::kAlways, [&sets](Request& request) {
             const auto name = request.arguments.at("fdname").get<std::string>();
             if (!sets.take_named(name))
                 throw Error(ErrorCode::kInvalidArgument, "File descriptor named '{}' not found",
                             name);
             return json::object();
         }});
    table.add(
        {"add-fd",
         {{"fdset-id", ArgumentType::kInteger, true}, {"opaque", ArgumentType::kString, true}},
         Vmm::kWithGuest,
         [&sets](Request& request) { return add_to_set(sets, request); }});
    table.add({"remove-fd",
               {{"fdset-id", ArgumentType::kInteger}, {"fd", ArgumentType::kInteger, true}},
               Vmm::kWithGuest,
               [&sets](Request& request) {
                   sets.remove(number(request.arguments, "fdset-id"),
                               number(request.arguments, "fd"));
                   return json::object();
               }});
    table.add({"query-fdsets", {}, Vmm::kAlways, [&sets](Request&) { return list_sets(sets); }});
}

}  // namespace cpr::vmm
