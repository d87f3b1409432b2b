// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_REHEARSAL_H
#define CPR_CONTROLLER_REHEARSAL_H

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "controller/binary_info.h"
#include "controller/vmm_calls.h"

namespace cpr::controller {

// A copy of the state of a running guest, and what it cost.
struct StateCopy {
    UniqueFd state;
    UniqueFd table;
    uint64_t bytes = 0;
    int64_t pause_ns = 0;
};

// Has the VMM copy the guest's state (cpr-rehearse). Throws Error kRehearsalFailed.
StateCopy copy_state(VmmCalls& vmm, std::chrono::milliseconds deadline);

// Runs a binary with the guest's command line, less the program's name, on a copy of its state
// (docs/protocol.md, the rehearsal). Blocks. Throws Error kRehearsalFailed, with the binary's own
// reason if it gives one.
void rehearse(const Binary& binary, const std::vector<std::string>& arguments,
              const StateCopy& copy, const RunLimits& limits);

}  // namespace cpr::controller

#endif
