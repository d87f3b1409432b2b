// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_JOB_STATS_H
#define CPR_CONTROLLER_JOB_STATS_H

#include <array>
#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/job_record.h"

namespace cpr::controller {

// How long something took, by classes.
class DurationHistogram {
  public:
    // The upper ends of the classes; what is longer is in none but the count.
    static constexpr std::array<std::chrono::milliseconds, 11> kBounds{
        std::chrono::milliseconds(10),   std::chrono::milliseconds(25),
        std::chrono::milliseconds(50),   std::chrono::milliseconds(100),
        std::chrono::milliseconds(250),  std::chrono::milliseconds(500),
        std::chrono::milliseconds(1000), std::chrono::milliseconds(2500),
        std::chrono::milliseconds(5000), std::chrono::milliseconds(10000),
        std::chrono::milliseconds(30000)};

    void add(int64_t ns);
    // "count", "sum-ns", and "buckets": of each bound, what was no longer.
    nlohmann::json to_json() const;

  private:
    uint64_t count_ = 0;
    int64_t sum_ns_ = 0;
    std::array<uint64_t, kBounds.size()> up_to_{};
};

// What became of a domain's jobs since its start, whoever asked for them: the counters of
// query-update-in-place-stats in docs/protocol.md.
class JobStats {
  public:
    // A job that has ended.
    void add(const JobRecord& record);

    // "updates", "checks" and "pauses".
    nlohmann::json to_json() const;
    // Of what the guest runs on, as far as a job has found out; otherwise empty.
    const std::string& running_version() const { return running_version_; }

  private:
    struct Ends {
        uint64_t completed = 0;
        uint64_t failed = 0;
        uint64_t rolled_back = 0;
        uint64_t cancelled = 0;
    };

    static void count(JobStatus status, Ends& ends);
    static nlohmann::json to_json(const Ends& ends);
    void add_pause(const PauseMarks& pause);

    Ends updates_;
    Ends checks_;
    DurationHistogram total_;
    // save, exec, load, resume
    std::array<DurationHistogram, 4> parts_;
    std::string running_version_;
};

}  // namespace cpr::controller

#endif
