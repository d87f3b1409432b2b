// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_JOB_PROGRESS_H
#define CPR_CLIENT_JOB_PROGRESS_H

#include <optional>
#include <string>

#include "client/job.h"

namespace cpr::client {

// Tells which of a job's reports are news. The same change arrives by event and by query, and an
// event may overtake a query's answer.
class JobProgress {
  public:
    explicit JobProgress(long long id) : id_(id) {}

    // Whether `job` says something new on the job that is followed. Throws CallError if `job`
    // shows that the job's outcome is lost, because another one has taken its place.
    bool is_news(const Job& job);

  private:
    long long id_;
    virDomainCprJobStatus status_ = VIR_DOMAIN_CPR_JOB_NONE;
    std::string phase_;
};

// The same for all jobs of a domain, one after the other.
class JobsProgress {
  public:
    // `last` is the job that is known already.
    explicit JobsProgress(const Job& last);

    // Whether an event says something new. One on a job before the last is late.
    bool is_news(const Job& event);

    // Whether an answer does, which is no older than what is known: a smaller number is that of a
    // domain that was started anew.
    bool is_news_in_answer(const Job& answer);

  private:
    JobProgress progress_;
    long long id_;
};

// The report in an event's data. Nothing if it is not understood: whoever asks next is told what is
// wrong, if the controller is to blame.
std::optional<Job> job_of_event(const std::string& text);

}  // namespace cpr::client

#endif  // CPR_CLIENT_JOB_PROGRESS_H
