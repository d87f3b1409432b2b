// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_POLL_INTERVAL_H
#define CPR_CLIENT_POLL_INTERVAL_H

#include <chrono>

namespace cpr::client {

// How often the state of jobs is asked for. A person who watches sees this as at once, and
// libvirt's daemon does not feel it.
inline constexpr std::chrono::milliseconds kPollInterval{200};

// Once events have been seen to arrive, queries only guard against one that got lost.
inline constexpr std::chrono::milliseconds kPollIntervalWithEvents{1000};

// While an update is waited for: a question may fall into the guest's pause, and take a processor.
inline constexpr std::chrono::milliseconds kPollIntervalInUpdate{5000};

}  // namespace cpr::client

#endif  // CPR_CLIENT_POLL_INTERVAL_H
