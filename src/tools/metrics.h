// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_METRICS_H
#define CPR_TOOLS_METRICS_H

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cpr::tools {

// A domain that runs, as far as metrics go.
struct DomainMetrics {
    std::string name;
    std::string uuid = {};
    // Whether it was started by virt-cpr-emulator.
    bool is_ours = false;
    // As its controller gives them (query-update-in-place-stats); null if it did not.
    nlohmann::json stats = {};
};

// A host's metrics in the text format of Prometheus (docs/observability.md).
std::string metrics_text(const std::vector<DomainMetrics>& domains);

}  // namespace cpr::tools

#endif
