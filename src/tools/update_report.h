// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_UPDATE_REPORT_H
#define CPR_TOOLS_UPDATE_REPORT_H

#include <string>
#include <vector>

#include "tools/job_summary.h"
#include "tools/update_request.h"

namespace cpr::tools {

// The line that tells of success, without its end.
std::string success_line(const UpdateRequest& request, const JobSummary& job);

// The lines that tell of a job that did not complete: what failed, why, and each blocker.
std::vector<std::string> failure_lines(const UpdateRequest& request, const JobSummary& job);

// What failed, for a job that could not even be started or followed.
std::string failure_headline(const UpdateRequest& request);

// Whether an update that was done has paused the guest for longer than it was to.
bool was_paused_too_long(const UpdateRequest& request, const JobSummary& job);

// The rows that tell of an update to whoever asks later, and its blockers.
std::vector<std::string> info_lines(const JobSummary& job);

// The pause by phase, one line for each part; empty if the guest was not paused.
std::vector<std::string> pause_lines(const JobSummary& job);

}  // namespace cpr::tools

#endif
