// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_FLEET_REPORT_H
#define CPR_TOOLS_FLEET_REPORT_H

#include <optional>
#include <string>
#include <vector>

#include "tools/domain_update.h"

namespace cpr::tools {

// A domain of several, and what came of the request for it; nothing if it was not begun.
struct FleetEntry {
    std::string domain;
    std::optional<DomainOutcome> outcome;
    // It has no controller, and was not asked for by name.
    bool is_left_out = false;

    bool is_failure() const { return outcome && !is_left_out && !outcome->is_success(); }
    bool is_skipped() const { return !outcome || is_left_out; }
};

// The table of all domains, and a line with the sums.
std::vector<std::string> fleet_table(const std::vector<FleetEntry>& entries, bool check);

// The domain's JSON object with its name; of a domain without a job, with the error.
std::string fleet_json(const FleetEntry& entry);

}  // namespace cpr::tools

#endif
