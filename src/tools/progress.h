// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_PROGRESS_H
#define CPR_TOOLS_PROGRESS_H

#include <cstdio>
#include <string>
#include <utility>

#include "tools/job_summary.h"

namespace cpr::tools {

// Shows the phases of a job as virsh shows progress: one line that is drawn over on a terminal,
// a line for each phase otherwise.
class Progress {
  public:
    // `out` is the caller's. With a prefix, such as the name of one domain of several, each phase
    // has a line of its own that begins with it.
    Progress(std::FILE* out, bool is_terminal, std::string prefix = "")
        : out_(out), is_terminal_(is_terminal && prefix.empty()), prefix_(std::move(prefix)) {}

    void show(const JobSummary& job);

    // Ends an unfinished line, so that other output can follow.
    void end();

  private:
    void draw(const std::string& phase, int percent);

    std::FILE* out_;
    bool is_terminal_;
    std::string prefix_;
    std::size_t shown_ = 0;  // number of phases shown so far, counted in their order
    bool is_line_open_ = false;
};

}  // namespace cpr::tools

#endif
