// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_UPDATE_DEADLINES_H
#define CPR_CONTROLLER_UPDATE_DEADLINES_H

#include <chrono>

namespace cpr::controller {

// How long each part of an update may take (docs/protocol.md, which has the longest time that a
// guest can be stopped by an update that fails).
struct UpdateDeadlines {
    std::chrono::milliseconds query{5'000};
    std::chrono::milliseconds info{10'000};
    std::chrono::milliseconds rehearsal{10'000};
    // For a second VMM to start beside the first, while the guest runs.
    std::chrono::milliseconds start{60'000};
    std::chrono::milliseconds save{10'000};
    std::chrono::milliseconds exec{10'000};
    std::chrono::milliseconds load{10'000};
    std::chrono::milliseconds resume{5'000};
    std::chrono::milliseconds kill{5'000};
    // From the save on, up to the guest's entry or the begin of the way back.
    std::chrono::milliseconds longest_stop{30'000};
};

}  // namespace cpr::controller

#endif
