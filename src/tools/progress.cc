// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/progress.h"

#include <algorithm>
#include <array>

#include "base/translate.h"

namespace cpr::tools {

namespace {

constexpr std::array kPhases{"validate", "prepare", "save", "exec", "load", "resume", "finish"};
constexpr int kDone = 100;

std::size_t index_of(const std::string& phase) {
    return static_cast<std::size_t>(std::find(kPhases.begin(), kPhases.end(), phase) -
                                    kPhases.begin());
}

int percent_before(std::size_t phase) {
    return static_cast<int>(phase * kDone / kPhases.size());
}

// Only the final report lists the phases; a check has no others than validate.
bool has_passed(const JobSummary& job, const std::string& phase) {
    return job.phases.empty() ||
           std::find(job.phases.begin(), job.phases.end(), phase) != job.phases.end();
}

}  // namespace

void Progress::show(const JobSummary& job) {
    std::size_t current = index_of(job.phase);
    if (current == kPhases.size()) {
        return;
    }
    // Phases that were over before anybody could look have been passed all the same.
    for (; shown_ <= current; ++shown_) {
        if (has_passed(job, kPhases[shown_])) {
            draw(kPhases[shown_], percent_before(shown_));
        }
    }
    if (job.status == VIR_DOMAIN_CPR_JOB_COMPLETED && is_terminal_) {
        draw(job.phase, kDone);
    }
    if (job.status != VIR_DOMAIN_CPR_JOB_RUNNING) {
        end();
    }
}

void Progress::end() {
    if (is_line_open_) {
        std::fputc('\n', out_);
        is_line_open_ = false;
    }
    std::fflush(out_);
}

void Progress::draw(const std::string& phase, int percent) {
    // Padded to cover a longer phase's name; all names have at most eight letters.
    const std::string shown = is_terminal_ ? fmt::format("{:<12}", phase) : phase;
    const std::string line = format_text(_("Update: [{:3} %] {}"), percent, shown);
    if (is_terminal_) {
        std::fprintf(out_, "\r%s", line.c_str());
        is_line_open_ = true;
    } else {
        std::fprintf(out_, "%s%s\n", prefix_.c_str(), line.c_str());
    }
    std::fflush(out_);
}

}  // namespace cpr::tools
