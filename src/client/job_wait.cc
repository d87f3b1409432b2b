// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/job_wait.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "client/job_events.h"
#include "client/monitor.h"
#include "client/reply.h"

namespace cpr::client {

namespace {

using std::chrono::milliseconds;

// A person who watches sees this as at once, and libvirt's daemon does not feel it.
constexpr milliseconds kPollInterval{200};

// Once events have been seen to arrive, queries only guard against one that got lost.
constexpr milliseconds kPollIntervalWithEvents{1000};

milliseconds until(std::optional<Clock::time_point> deadline, milliseconds at_most) {
    if (!deadline) {
        return at_most;
    }
    auto left = std::chrono::duration_cast<milliseconds>(*deadline - Clock::now());
    return std::clamp(left, milliseconds(0), at_most);
}

// The report in an event, if it is one on job `id`. One that is not understood is passed over: a
// query follows, and that says what is wrong if the controller is to blame.
std::optional<Job> job_of_event(const std::string& text, long long id) {
    try {
        Job job(parse_object(text));
        return job.id() == id ? std::optional<Job>(std::move(job)) : std::nullopt;
    } catch (const CallError&) {
        return std::nullopt;
    }
}

// The order in which a job passes through its phases; 0 for one that this library does not know.
std::size_t rank(const std::string& phase) {
    constexpr std::array kPhases{"validate", "prepare", "save", "exec", "load", "resume", "finish"};
    auto found = std::find(kPhases.begin(), kPhases.end(), phase);
    return found == kPhases.end() ? 0 : static_cast<std::size_t>(found - kPhases.begin()) + 1;
}

}  // namespace

bool JobProgress::is_news(const Job& job) {
    if (job.id() != id_) {
        throw CallError("invalid-state",
                        fmt::format("the outcome of job {} is not known any more: the domain's "
                                    "last job is {}",
                                    id_, job.id()));
    }
    bool is_same = job.status() == status_ && job.phase() == phase_;
    bool is_overtaken = !job.is_final() && rank(job.phase()) < rank(phase_);
    if (is_same || is_overtaken) {
        return false;
    }
    status_ = job.status();
    phase_ = job.phase();
    return true;
}

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
            throw CallError("timeout", fmt::format("job {} did not end in time; it goes on", id));
        }
        if (auto text = events.next(until(deadline, interval))) {
            interval = kPollIntervalWithEvents;
            report = job_of_event(*text, id);
        } else {
            report = monitor.query_job();
        }
    }
}

}  // namespace cpr::client
