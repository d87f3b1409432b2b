// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/update_report.h"

#include "base/translate.h"

namespace cpr::tools {

namespace {

// libvirt-cpr of another version may leave something out; the line has to stay readable.
std::string or_unknown(const std::string& version) {
    return version.empty() ? _("an unknown version") : version;
}

std::string blocker_line(const Blocker& blocker) {
    if (blocker.remedy.empty()) {
        return format_text(_("blocker {}: {}"), blocker.id, blocker.reason);
    }
    return format_text(_("blocker {}: {} (remedy: {})"), blocker.id, blocker.reason,
                       blocker.remedy);
}

// The error of a guest that has blockers only counts them up again.
bool is_said_by_blockers(const JobSummary& job) {
    return job.error_code == "blocked" && !job.blockers.empty();
}

std::string cause(const JobSummary& job) {
    if (!job.error.empty()) {
        return job.error;
    }
    return job.status == VIR_DOMAIN_CPR_JOB_CANCELLED ? _("the update was cancelled")
                                                      : _("an unknown cause; see the domain's log");
}

std::string headline(const UpdateRequest& request, bool is_check) {
    return is_check ? format_text(_("Domain '{}' cannot be updated in place"), request.domain)
                    : format_text(_("Failed to update domain '{}' in place"), request.domain);
}

bool went_back(const JobSummary& job) {
    return job.status == VIR_DOMAIN_CPR_JOB_ROLLED_BACK ||
           job.status == VIR_DOMAIN_CPR_JOB_CANCELLED;
}

std::string info_row(const char* label, const std::string& text) {
    return fmt::format("{:<17}{}", label, text);
}

std::string vmm(const std::string& binary, const std::string& version) {
    return version.empty() ? binary : fmt::format("{} ({})", binary, version);
}

std::string pause_line(const char* label, double milliseconds) {
    return fmt::format("{:<17}{:>10.3f} ms", label, milliseconds);
}

}  // namespace

std::string success_line(const UpdateRequest& request, const JobSummary& job) {
    std::string from = or_unknown(job.old_version);
    std::string to = or_unknown(job.new_version);
    if (request.check || job.is_check) {
        return format_text(_("Domain '{}' can be updated in place from {} to {}"), request.domain,
                           from, to);
    }
    if (!job.pause_milliseconds) {
        return format_text(_("Domain '{}' updated in place from {} to {}"), request.domain, from,
                           to);
    }
    return format_text(_("Domain '{}' updated in place from {} to {}, paused for {:.1f} ms"),
                       request.domain, from, to, *job.pause_milliseconds);
}

std::string failure_headline(const UpdateRequest& request) {
    return headline(request, request.check);
}

std::vector<std::string> failure_lines(const UpdateRequest& request, const JobSummary& job) {
    const bool is_check = request.check || job.is_check;
    std::vector<std::string> lines{headline(request, is_check)};
    if (!is_said_by_blockers(job)) {
        lines.push_back(cause(job));
    }
    for (const Blocker& blocker : job.blockers) {
        lines.push_back(blocker_line(blocker));
    }
    if (!is_check && went_back(job)) {
        lines.push_back(format_text(_("the guest runs on with {}"), or_unknown(job.old_version)));
    }
    return lines;
}

bool was_paused_too_long(const UpdateRequest& request, const JobSummary& job) {
    return request.max_pause_milliseconds > 0 && job.pause_milliseconds &&
           *job.pause_milliseconds > request.max_pause_milliseconds;
}

std::vector<std::string> info_lines(const JobSummary& job) {
    std::vector<std::string> lines{info_row(_("Status:"), job.status_name)};
    auto add = [&](const char* label, const std::string& text) {
        if (!text.empty()) {
            lines.push_back(info_row(label, text));
        }
    };
    auto number = [](const std::optional<unsigned long long>& value) {
        return value ? std::to_string(*value) : std::string();
    };
    add(_("Phase:"), job.phase);
    add(_("Generation:"), number(job.generation));
    add(_("PID:"), number(job.domain_pid));
    add(_("VMM's PID:"), number(job.vmm_pid));
    add(_("Old VMM:"), vmm(job.old_binary, job.old_version));
    add(_("New VMM:"), vmm(job.new_binary, job.new_version));
    add(_("Error:"), job.error);
    for (const std::string& line : pause_lines(job)) {
        lines.push_back(line);
    }
    add(_("Blockers:"), std::to_string(job.blockers.size()));
    for (const Blocker& blocker : job.blockers) {
        lines.push_back("  " + blocker_line(blocker));
    }
    return lines;
}

std::vector<std::string> pause_lines(const JobSummary& job) {
    std::vector<std::string> lines;
    if (job.rehearsal_milliseconds) {
        lines.push_back(pause_line(_("Rehearsal:"), *job.rehearsal_milliseconds));
    }
    if (!job.rehearsal_skipped.empty()) {
        lines.push_back(info_row(_("Rehearsal:"), job.rehearsal_skipped));
    }
    if (!job.pause_milliseconds) {
        return lines;
    }
    lines.push_back(pause_line(_("Pause:"), *job.pause_milliseconds));
    for (const PausePart& part : job.pause_parts) {
        lines.push_back(pause_line(fmt::format("  {}:", part.name).c_str(), part.milliseconds));
    }
    return lines;
}

}  // namespace cpr::tools
