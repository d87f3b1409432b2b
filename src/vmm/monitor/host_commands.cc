// SPDX-License-Identifier: LGPL-2.1-or-later
// What the host offers: accelerators, and hardware that this VMM does not use.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "vmm/monitor/commands.h"
#include "vmm/vmm.h"

namespace cpr::vmm {
namespace {

using nlohmann::json;
using qmp::Request;

json kvm() {
    const bool usable = access("/dev/kvm", R_OK | W_OK) == 0;
    return {{"present", true}, {"enabled", usable}};
}

}  // namespace

void add_host_commands(qmp::CommandTable& table, Vmm&) {
    table.add({"query-kvm", {}, Vmm::kAlways, [](Request&) { return kvm(); }});
    table.add({"query-accelerators", {}, Vmm::kAlways, [](Request&) {
                   return json{{"enabled", "kvm"}, {"present", {"kvm"}}};
               }});
    for (const std::string_view none : {"query-tpm-models", "query-tpm-types", "query-tpm"})
        table.add({none, {}, Vmm::kAlways, [](Request&) { return json::array(); }});
    const std::pair<std::string_view, std::string_view> refusals[] = {
        {"query-gic-capabilities", "GIC hardware is not available on this target"},
        {"query-sev-capabilities", "SEV is not supported"},
        {"query-sev", "SEV is not supported"},
        {"query-sgx", "SGX is not supported"},
        {"query-sgx-capabilities", "SGX is not supported"},
    };
    for (const auto& [command, reason] : refusals)
        table.add({command, {}, Vmm::kAlways, [reason = std::string(reason)](Request&) -> json {
                       throw Error(ErrorCode::kUnsupported, "{}", reason);
                   }});
}

}  // namespace cpr::vmm
