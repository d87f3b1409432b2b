// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/monitor.h"

#include <libvirt-cpr/libvirt-cpr.h>
#include <libvirt/libvirt-qemu.h>

#include <nlohmann/json.hpp>

#include "base/translate.h"
#include "client/c_string.h"
#include "client/call_error.h"
#include "client/policy.h"
#include "client/reply.h"

namespace cpr::client {

using nlohmann::json;

json update_arguments(const UpdateOptions& options) {
    json arguments = json::object();
    if (!options.emulator.empty()) {
        arguments["binary"] = options.emulator;
    }
    // A controller that is older than modes knows the automatic one by no name.
    if (!options.mode.empty() && options.mode != VIR_DOMAIN_CPR_MODE_AUTO) {
        arguments["mode"] = options.mode;
    }
    if (options.timeout > 0) {
        arguments["timeout"] = options.timeout;
    }
    if (options.max_pause > 0) {
        arguments["max-pause"] = options.max_pause;
    }
    if (options.place_threads) {
        arguments["place-threads"] = true;
    }
    if (options.check_only) {
        arguments["check"] = true;
    }
    return arguments;
}

json Monitor::execute(const std::string& name, const json& arguments) {
    char* raw = nullptr;
    int result = virDomainQemuMonitorCommand(domain_, make_command(name, arguments).c_str(), &raw,
                                             VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT);
    Allocated<char> text(raw);
    if (result < 0) {
        throw CallError::from_libvirt();
    }
    return parse_reply(text ? text.get() : "");
}

long long Monitor::start_update(const UpdateOptions& options) {
    json answer =
        execute("update-in-place", under_policy(read_policy(domain_), update_arguments(options)));
    json id = answer.is_object() ? answer.value("job-id", json()) : json();
    if (!id.is_number_unsigned()) {
        throw CallError("internal", _("the controller started an update without naming its job"));
    }
    return id.get<long long>();
}

Job Monitor::query_job() {
    return Job(execute("query-update-in-place", json::object()));
}

json Monitor::query_stats() {
    json stats = execute("query-update-in-place-stats", json::object());
    if (!stats.is_object()) {
        throw CallError("internal", _("the controller's statistics are no object"));
    }
    return stats;
}

VmmThreads Monitor::query_threads() {
    const json cpus = execute("query-cpus-fast", json::object());
    return parse_vmm_threads(cpus, execute("query-iothreads", json::object()));
}

void Monitor::cancel() {
    execute("cancel-update-in-place", json::object());
}

}  // namespace cpr::client
