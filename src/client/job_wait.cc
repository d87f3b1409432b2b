// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/job_wait.h"

#include <algorithm>

#include "base/translate.h"
#include "client/job_events.h"
#include "client/job_progress.h"
#include "client/monitor.h"
#include "client/poll_interval.h"

namespace cpr::client {

namespace {

using std::chrono::milliseconds;

milliseconds until(std::optional<Clock::time_point> deadline, milliseconds at_most) {
    if (!deadline) {
        return at_most;
    }
    auto left = std::chrono::duration_cast<milliseconds>(*deadline - Clock::now());
    return std::clamp(left, milliseconds(0), at_most);
}

}  // namespace

Job wait_for_job(virDomainPtr domain, long long id, std::optional<Clock::time_point> deadline,
                 const std::function<void(const Job&)>& on_news) {
    // Subscribed before the first query, so that no change falls between the two.
    JobEvents events(domain);
    Monitor monitor(domain);
    JobProgress progress(id);
    milliseconds interval = kPollInterval;
    std::optional<Job> report = monitor.query_job();
    while (true) {
        if (report && report->is_final() && !report->is_complete()) {
            report = monitor.query_job();
        }
        if (report && progress.is_news(*report)) {
            on_news(*report);
        }
        if (report && report->is_final()) {
            return std::move(*report);
        }
        if (deadline && Clock::now() >= *deadline) {
            throw CallError("timeout",
                            format_text(_("job {} did not end in time; it goes on"), id));
        }
        if (auto text = events.next(until(deadline, interval))) {
            interval = kPollIntervalInUpdate;
            report = job_of_event(*text);
            if (report && report->id() != id) {
                report.reset();
            }
        } else {
            report = monitor.query_job();
        }
    }
}

}  // namespace cpr::client
