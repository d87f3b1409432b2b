// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/job_progress.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/translate.h"
#include "client/reply.h"

namespace cpr::client {

namespace {

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
                        format_text(_("the outcome of job {} is not known any more: the domain's "
                                      "last job is {}"),
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

JobsProgress::JobsProgress(const Job& last) : progress_(last.id()), id_(last.id()) {
    progress_.is_news(last);
}

bool JobsProgress::is_news(const Job& event) {
    if (event.id() < id_) {
        return false;
    }
    return is_news_in_answer(event);
}

bool JobsProgress::is_news_in_answer(const Job& answer) {
    if (answer.id() != id_) {
        id_ = answer.id();
        progress_ = JobProgress(id_);
    }
    return progress_.is_news(answer);
}

std::optional<Job> job_of_event(const std::string& text) {
    try {
        return Job(parse_object(text));
    } catch (const CallError&) {
        return std::nullopt;
    }
}

}  // namespace cpr::client
