// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/fleet_report.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text_width.h"
#include "base/translate.h"

namespace cpr::tools {

namespace {

using nlohmann::json;

using Row = std::array<std::string, 4>;

constexpr const char* kGap = "   ";

std::string result_text(const FleetEntry& entry, bool check) {
    if (entry.is_skipped()) {
        return _("skipped");
    }
    switch (entry.outcome->result) {
        case Result::kDone:
            return check || entry.outcome->job.is_check ? _("can be updated") : _("updated");
        case Result::kTold:
            return entry.outcome->job.status_name;
        case Result::kStarted:
            return _("started");
        case Result::kCancelling:
            return _("being cancelled");
        case Result::kRefused:
            return _("refused");
        case Result::kRolledBack:
            return _("rolled back");
        case Result::kCancelled:
            return _("cancelled");
        case Result::kFailed:
        case Result::kUnsupported:
            break;
    }
    return _("failed");
}

std::string pause_text(const FleetEntry& entry) {
    if (!entry.outcome || !entry.outcome->job.pause_milliseconds) {
        return "-";
    }
    return format_text(_("{:.1f} ms"), *entry.outcome->job.pause_milliseconds);
}

std::string joined(const std::vector<std::string>& lines, std::size_t first) {
    std::string text;
    for (std::size_t i = first; i < lines.size(); ++i) {
        text += (text.empty() ? "" : "; ") + lines[i];
    }
    return text;
}

std::string detail_text(const FleetEntry& entry) {
    if (entry.is_left_out) {
        return _("not started by virt-cpr-emulator");
    }
    if (!entry.outcome) {
        return _("not begun");
    }
    const DomainOutcome& outcome = *entry.outcome;
    if (!outcome.errors.empty()) {
        // The first line says that it failed, which the table has already.
        return joined(outcome.errors, outcome.errors.size() > 1 ? 1 : 0);
    }
    const JobSummary& job = outcome.job;
    return job.new_version.empty() ? "" : fmt::format("{} -> {}", job.old_version, job.new_version);
}

std::string padded(const std::string& text, std::size_t width) {
    return text + std::string(width - std::min(width, columns_of(text)), ' ');
}

std::vector<std::string> lines_of(const std::vector<Row>& rows) {
    std::array<std::size_t, 4> widths{};
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], columns_of(row[i]));
        }
    }
    std::vector<std::string> lines;
    std::size_t longest = 0;
    for (const Row& row : rows) {
        std::string line = " ";
        for (std::size_t i = 0; i + 1 < row.size(); ++i) {
            line += padded(row[i], widths[i]) + kGap;
        }
        lines.push_back(line + row.back());
        longest = std::max(longest, columns_of(lines.back()));
    }
    lines.insert(lines.begin() + 1, std::string(longest, '-'));
    return lines;
}

}  // namespace

std::vector<std::string> fleet_table(const std::vector<FleetEntry>& entries, bool check) {
    std::vector<Row> rows{{_("Domain"), _("Result"), _("Pause"), _("Details")}};
    int failed = 0;
    int skipped = 0;
    for (const FleetEntry& entry : entries) {
        rows.push_back(
            {entry.domain, result_text(entry, check), pause_text(entry), detail_text(entry)});
        failed += entry.is_failure();
        skipped += entry.is_skipped();
    }
    std::vector<std::string> lines = lines_of(rows);
    lines.emplace_back();
    lines.push_back(format_text(_("{} succeeded, {} failed, {} skipped"),
                                static_cast<int>(entries.size()) - failed - skipped, failed,
                                skipped));
    return lines;
}

std::string fleet_json(const FleetEntry& entry) {
    json object = json::object();
    if (entry.outcome && !entry.outcome->json.empty()) {
        object = json::parse(entry.outcome->json);
    } else {
        object["error"] = {{"desc", detail_text(entry)}};
        if (entry.outcome && !entry.outcome->error_code.empty()) {
            object["error"]["code"] = entry.outcome->error_code;
        }
    }
    object.emplace("domain", entry.domain);
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace cpr::tools
