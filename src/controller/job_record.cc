// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/job_record.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text_json.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<UpdateMode, std::string_view>, 3> kModes{{
    {UpdateMode::kAuto, "auto"},
    {UpdateMode::kExec, "exec"},
    {UpdateMode::kTransfer, "transfer"},
}};

json to_json(const VersionedBinary& binary) {
    return {{"binary", binary.path}, {"version", binary.version}};
}

json to_json(const RehearsalRecord& rehearsal) {
    if (!rehearsal.skipped.empty()) {
        json skipped;
        put_text(skipped, "skipped", rehearsal.skipped);
        return skipped;
    }
    return {{"pause-ns", rehearsal.pause_ns},
            {"run-ns", rehearsal.run_ns},
            {"state-bytes", rehearsal.state_bytes}};
}

constexpr std::array kParts{"save-ns", "exec-ns", "load-ns", "resume-ns"};

json to_json(const PauseMarks& marks) {
    json result;
    const auto parts = marks.parts();
    for (size_t i = 0; i < kParts.size(); ++i)
        result[kParts[i]] = parts[i].value_or(0);
    result["total-ns"] = marks.running - marks.stopped;
    result["stopped-at-ns"] = marks.stopped;
    result["running-at-ns"] = marks.running;
    return result;
}

}  // namespace

std::array<std::optional<int64_t>, 4> PauseMarks::parts() const {
    std::array<std::optional<int64_t>, 4> lengths;
    int64_t last = stopped;
    size_t part = 0;
    for (const int64_t mark : {saved, executed, loaded, running}) {
        if (mark != 0) {
            // On the way back the guest may run before what failed is over.
            const int64_t end = running != 0 ? std::min(mark, running) : mark;
            lengths.at(part) = end - last;
            last = end;
        }
        ++part;
    }
    return lengths;
}

std::string_view to_string(JobStatus status) {
    switch (status) {
        case JobStatus::kNone:
            return "none";
        case JobStatus::kRunning:
            return "running";
        case JobStatus::kCompleted:
            return "completed";
        case JobStatus::kFailed:
            return "failed";
        case JobStatus::kRolledBack:
            return "rolled-back";
        case JobStatus::kCancelled:
            return "cancelled";
    }
    return "none";
}

std::string_view to_string(UpdateMode mode) {
    for (const auto& [value, name] : kModes)
        if (value == mode)
            return name;
    return "auto";
}

std::optional<UpdateMode> update_mode_from(std::string_view name) {
    for (const auto& [value, known] : kModes)
        if (known == name)
            return value;
    return std::nullopt;
}

json JobRecord::to_json() const {
    if (status == JobStatus::kNone)
        return {{"job-id", 0},
                {"status", "none"},
                {"domain-pid", domain_pid},
                {"generation", generation}};
    json result{{"job-id", id},
                {"status", std::string(controller::to_string(status))},
                {"check", check},
                {"mode", std::string(controller::to_string(mode))},
                {"phase", phase},
                {"domain-pid", domain_pid},
                {"generation", generation},
                {"phases", json::array()}};
    for (const PhaseTimes& times : phases) {
        json entry{{"name", times.name}, {"begin-ns", times.begin_ns}};
        if (times.end_ns != 0)
            entry["end-ns"] = times.end_ns;
        result["phases"].push_back(std::move(entry));
    }
    if (vmm_pid != 0 && vmm_pid != domain_pid)
        result["vmm-pid"] = vmm_pid;
    if (!old_binary.path.empty())
        result["old"] = controller::to_json(old_binary);
    if (!new_binary.path.empty())
        result["new"] = controller::to_json(new_binary);
    if (!blockers.empty())
        result["blockers"] = blockers;
    if (pause.stopped != 0 && pause.running != 0)
        result["pause"] = controller::to_json(pause);
    if (state_bytes != 0)
        result["state-bytes"] = state_bytes;
    if (rehearsal)
        result["rehearsal"] = controller::to_json(*rehearsal);
    if (!ended.empty())
        result["ended"] = ended;
    if (error) {
        result["error"] = {{"code", std::string(cpr::to_string(error->code()))}};
        put_text(result["error"], "desc", error->text());
    }
    return result;
}

json JobRecord::to_event() const {
    if (status != JobStatus::kRunning)
        return to_json();
    return {
        {"job-id", id}, {"status", std::string(controller::to_string(status))}, {"phase", phase}};
}

}  // namespace cpr::controller
