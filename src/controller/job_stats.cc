// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/job_stats.h"

#include <nlohmann/json.hpp>

namespace cpr::controller {

using nlohmann::json;

void DurationHistogram::add(int64_t ns) {
    ++count_;
    sum_ns_ += ns;
    for (size_t i = 0; i < kBounds.size(); ++i)
        up_to_[i] += std::chrono::nanoseconds(ns) <= kBounds[i];
}

json DurationHistogram::to_json() const {
    json buckets = json::array();
    for (size_t i = 0; i < kBounds.size(); ++i)
        buckets.push_back(
            {{"le-ns", std::chrono::nanoseconds(kBounds[i]).count()}, {"count", up_to_[i]}});
    return {{"count", count_}, {"sum-ns", sum_ns_}, {"buckets", std::move(buckets)}};
}

void JobStats::add(const JobRecord& record) {
    const bool updated = record.status == JobStatus::kCompleted && !record.check;
    const std::string& version = updated ? record.new_binary.version : record.old_binary.version;
    if (!version.empty())
        running_version_ = version;
    count(record.status, record.check ? checks_ : updates_);
    add_pause(record.pause);
}

void JobStats::count(JobStatus status, Ends& ends) {
    switch (status) {
        case JobStatus::kCompleted:
            ++ends.completed;
            break;
        case JobStatus::kFailed:
            ++ends.failed;
            break;
        case JobStatus::kRolledBack:
            ++ends.rolled_back;
            break;
        case JobStatus::kCancelled:
            ++ends.cancelled;
            break;
        case JobStatus::kNone:
        case JobStatus::kRunning:
            break;
    }
}

// Those of an update that went back count as well: the guest was paused. A part that did not come
// about is none of length 0.
void JobStats::add_pause(const PauseMarks& pause) {
    if (pause.stopped == 0 || pause.running == 0)
        return;
    total_.add(pause.running - pause.stopped);
    const auto parts = pause.parts();
    for (size_t i = 0; i < parts.size(); ++i)
        if (parts[i])
            parts_[i].add(*parts[i]);
}

json JobStats::to_json(const Ends& ends) {
    return {{"completed", ends.completed},
            {"failed", ends.failed},
            {"rolled-back", ends.rolled_back},
            {"cancelled", ends.cancelled}};
}

json JobStats::to_json() const {
    return {{"updates", to_json(updates_)},
            {"checks", to_json(checks_)},
            {"pauses",
             {{"total", total_.to_json()},
              {"save", parts_[0].to_json()},
              {"exec", parts_[1].to_json()},
              {"load", parts_[2].to_json()},
              {"resume", parts_[3].to_json()}}}};
}

}  // namespace cpr::controller
