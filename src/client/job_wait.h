// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_JOB_WAIT_H
#define CPR_CLIENT_JOB_WAIT_H

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "client/job.h"

namespace cpr::client {

using Clock = std::chrono::steady_clock;

// Follows job `id` of `domain` until it is final and returns its last report. `on_news` is called
// for each change, the final one included. Uses events if they come and queries otherwise. Throws
// CallError: libvirt's, or `timeout` at `deadline` (none: no limit); the job goes on then.
Job wait_for_job(virDomainPtr domain, long long id, std::optional<Clock::time_point> deadline,
                 const std::function<void(const Job&)>& on_news);

}  // namespace cpr::client

#endif  // CPR_CLIENT_JOB_WAIT_H
