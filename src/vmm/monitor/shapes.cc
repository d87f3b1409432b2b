// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/monitor/shapes.h"

#include <fmt/core.h>

#include <chrono>
#include <nlohmann/json.hpp>

namespace cpr::vmm {

using nlohmann::json;

json version_shape(std::string_view version) {
    return {{"qemu", {{"major", 8}, {"minor", 2}, {"micro", 0}}},
            {"package", fmt::format("cpr-vmm {}", version)}};
}

json event_shape(std::string_view name, const json& data) {
    using namespace std::chrono;
    const auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    json event{{"event", name},
               {"timestamp", {{"seconds", now / 1'000'000}, {"microseconds", now % 1'000'000}}}};
    if (!data.empty())
        event["data"] = data;
    return event;
}

json cpu_props(const CpuTopology& topology, uint32_t index) {
    const uint32_t core = index / topology.threads;
    const uint32_t die = core / topology.cores;
    json props{{"thread-id", index % topology.threads},
               {"core-id", core % topology.cores},
               {"socket-id", die / topology.dies}};
    if (topology.dies > 1)
        props["die-id"] = die % topology.dies;
    return props;
}

std::string cpu_path(uint32_t index) {
    return fmt::format("/machine/unattached/device[{}]", index);
}

}  // namespace cpr::vmm
