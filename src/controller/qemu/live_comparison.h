// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_LIVE_COMPARISON_H
#define CPR_CONTROLLER_QEMU_LIVE_COMPARISON_H

#include <nlohmann/json.hpp>
#include <vector>

#include "controller/qemu/argument_model.h"
#include "controller/qemu/blocker.h"

namespace cpr::controller::qemu {

// What QEMU itself says of the guest: what these commands return.
struct LiveAnswers {
    nlohmann::json peripherals;  // qom-list of /machine/peripheral
    nlohmann::json nodes;        // query-named-block-nodes, flat
    nlohmann::json disks;        // query-block
};

// Where a command line is not what QEMU says, each a blocker; and what of the disks would be lost
// by any command line: bitmaps that are not persistent, nodes that are not active.
std::vector<Blocker> compare_with_live(const ArgumentModel& line, const LiveAnswers& live);

}  // namespace cpr::controller::qemu

#endif
