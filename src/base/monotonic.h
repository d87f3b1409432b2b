// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_MONOTONIC_H
#define CPR_BASE_MONOTONIC_H

#include <cstdint>
#include <ctime>

namespace cpr {

// The host's CLOCK_MONOTONIC in nanoseconds: comparable between processes, and so across an exec.
inline int64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace cpr

#endif
