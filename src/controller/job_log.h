// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_JOB_LOG_H
#define CPR_CONTROLLER_JOB_LOG_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/system_log.h"
#include "controller/job_record.h"

namespace cpr::controller {

// Tells the host's log of a domain's jobs: their begin, each phase when it has ended, and what came
// of them (docs/observability.md). Any one thread.
class JobLog {
  public:
    using Write = std::function<void(SystemLogEntry entry)>;

    JobLog(std::string domain, Write write);

    // Whenever the record has changed.
    void follow(const JobRecord& record);

  private:
    void tell_begin(const JobRecord& record);
    void tell_phase(const JobRecord& record, const PhaseTimes& phase);
    void tell_end(const JobRecord& record);
    SystemLogEntry entry(const JobRecord& record, const char* message_id) const;

    std::string domain_;
    Write write_;
    // Of the job that is followed: its number, and the phases that were told.
    uint64_t job_ = 0;
    size_t told_ = 0;
};

}  // namespace cpr::controller

#endif
