// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_SHORTAGES_H
#define CPR_CONTROLLER_SHORTAGES_H

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace cpr::controller {

// Adds to a list of blockers (as query-cpr has it) each limit of this process's that the keeping of
// a guest would exceed: of the VMM with that number, of which that many descriptors would be kept.
// Never throws: what cannot be read is not compared.
void find_shortages(int64_t vmm, size_t descriptors, nlohmann::json& blockers);

}  // namespace cpr::controller

#endif
