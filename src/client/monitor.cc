// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/monitor.h"

#include <libvirt/libvirt-qemu.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "client/call_error.h"
#include "client/reply.h"

namespace cpr::client {

using nlohmann::json;

namespace {

struct Free {
    void operator()(char* text) const { std::free(text); }
};

json update_arguments(const std::string& emulator, unsigned int timeout, bool check_only) {
    json arguments = json::object();
    if (!emulator.empty()) {
        arguments["binary"] = emulator;
    }
    if (timeout > 0) {
        arguments["timeout"] = timeout;
    }
    if (check_only) {
        arguments["check"] = true;
    }
    return arguments;
}

}  // namespace

json Monitor::execute(const std::string& name, const json& arguments) {
    char* raw = nullptr;
    int result = virDomainQemuMonitorCommand(domain_, make_command(name, arguments).c_str(), &raw,
                                             VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT);
    std::unique_ptr<char, Free> text(raw);
    if (result < 0) {
        throw CallError::from_libvirt();
    }
    return parse_reply(text ? text.get() : "");
}

long long Monitor::start_update(const std::string& emulator, unsigned int timeout,
                                bool check_only) {
    json answer = execute("update-in-place", update_arguments(emulator, timeout, check_only));
    json id = answer.is_object() ? answer.value("job-id", json()) : json();
    if (!id.is_number_unsigned()) {
        throw CallError("internal", "the controller started an update without naming its job");
    }
    return id.get<long long>();
}

Job Monitor::query_job() {
    return Job(execute("query-update-in-place", json::object()));
}

void Monitor::cancel() {
    execute("cancel-update-in-place", json::object());
}

}  // namespace cpr::client
