// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/monitor/info.h"

#include <nlohmann/json.hpp>

#include "state/stream.h"
#include "vmm/device/catalog.h"
#include "vmm/monitor/options.h"
#include "vmm/vmm.h"

namespace cpr::vmm {

std::string info_text(std::string_view version) {
    nlohmann::json sections = nlohmann::json::array();
    for (const StateKind& kind : state_kinds())
        sections.push_back(
            {{"kind", kind.kind}, {"version", kind.version}, {"min-version", kind.min_version}});
    for (const state::SectionInfo& section : vmm_sections())
        sections.push_back({{"kind", section.kind},
                            {"version", section.version},
                            {"min-version", section.version}});
    const nlohmann::json info{{"name", "cpr-vmm"},
                              {"version", version},
                              {"state-format", state::kFormatVersion},
                              {"machine-types", {kMachineType}},
                              {"sections", sections},
                              {"features", {"rehearsal"}}};
    return info.dump();
}

}  // namespace cpr::vmm
