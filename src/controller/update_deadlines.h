// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_UPDATE_DEADLINES_H
#define CPR_CONTROLLER_UPDATE_DEADLINES_H

#include <chrono>

namespace cpr::controller {

// How long each part of an update may take (docs/protocol.md). A failure in a phase costs at most
// that phase's, and the way back at most kill, exec, load and resume for each of its attempts.
struct UpdateDeadlines {
    std::chrono::milliseconds query{5'000};
    std::chrono::milliseconds info{10'000};
    std::chrono::milliseconds save{10'000};
    std::chrono::milliseconds exec{10'000};
    std::chrono::milliseconds load{10'000};
    std::chrono::milliseconds resume{5'000};
    std::chrono::milliseconds kill{5'000};
};

}  // namespace cpr::controller

#endif
