// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/job_log.h"

#include <fmt/format.h>
#include <syslog.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text_json.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

// By which journalctl finds all lines of a kind.
constexpr const char* kBeginId = "fcc73c10a4fa4bd98b2251148f460d65";
constexpr const char* kPhaseId = "71c4e5e20cf444158bf20c5636e1a003";
constexpr const char* kEndId = "63ec49be3b8c46b4a236fa7155629fe0";

constexpr const char* kPrefix = "LIBVIRT_CPR_";

// "pause.total-ns" is LIBVIRT_CPR_PAUSE_TOTAL_NS.
std::string field_name(const std::string& prefix, const std::string& member) {
    std::string name = prefix + member;
    std::ranges::transform(name, name.begin(), [](unsigned char c) {
        return std::isalnum(c) ? static_cast<char>(std::toupper(c)) : '_';
    });
    return name;
}

void add_members(SystemLogEntry& entry, const std::string& prefix, const json& object) {
    for (const auto& [member, value] : object.items()) {
        const std::string name = field_name(prefix, member);
        if (value.is_object())
            add_members(entry, name + "_", value);
        else if (value.is_string())
            entry.fields.emplace_back(name, value.get<std::string>());
        else if (!value.is_array())
            entry.fields.emplace_back(name, value.dump());
    }
}

std::string subject(const JobRecord& record, const std::string& domain) {
    return fmt::format("{} {} of domain '{}'", record.check ? "update check" : "update", record.id,
                       domain);
}

std::string milliseconds(int64_t ns) {
    return fmt::format("{:.1f} ms", static_cast<double>(ns) / 1e6);
}

std::string versions(const JobRecord& record) {
    const auto text = [](const VersionedBinary& binary) {
        return fmt::format("'{}' (version {})", binary.path, binary.version);
    };
    return fmt::format("from {} to {}", text(record.old_binary), text(record.new_binary));
}

std::string pause_text(const PauseMarks& pause) {
    if (pause.stopped == 0 || pause.running == 0)
        return "";
    return fmt::format(", paused for {}", milliseconds(pause.running - pause.stopped));
}

// A guest that is left stopped is worse than one that goes on with what it had.
int priority_of(const JobRecord& record) {
    if (!record.error)
        return LOG_INFO;
    const bool left_stopped = record.status == JobStatus::kFailed && record.phase != "validate";
    return left_stopped ? LOG_ERR : LOG_WARNING;
}

}  // namespace

JobLog::JobLog(std::string domain, Write write)
    : domain_(std::move(domain)), write_(std::move(write)) {}

void JobLog::follow(const JobRecord& record) {
    if (!write_)
        return;
    if (record.id != job_) {
        job_ = record.id;
        told_ = 0;
        tell_begin(record);
    }
    for (; told_ < record.phases.size() && record.phases[told_].end_ns != 0; ++told_)
        tell_phase(record, record.phases[told_]);
    if (record.status != JobStatus::kRunning)
        tell_end(record);
}

SystemLogEntry JobLog::entry(const JobRecord& record, const char* message_id) const {
    return {LOG_INFO,
            subject(record, domain_),
            {{"MESSAGE_ID", message_id},
             {field_name(kPrefix, "domain"), domain_},
             {field_name(kPrefix, "job-id"), std::to_string(record.id)},
             {field_name(kPrefix, "check"), record.check ? "true" : "false"}}};
}

void JobLog::tell_begin(const JobRecord& record) {
    SystemLogEntry line = entry(record, kBeginId);
    line.text += " has begun";
    if (!record.new_binary.path.empty())
        add_members(line, kPrefix, {{"new", {{"binary", record.new_binary.path}}}});
    add_members(line, kPrefix, {{"status", "running"}});
    write_(std::move(line));
}

void JobLog::tell_phase(const JobRecord& record, const PhaseTimes& phase) {
    const bool failed = record.error && &phase == &record.phases.back();
    const int64_t duration = phase.end_ns - phase.begin_ns;
    SystemLogEntry line = entry(record, kPhaseId);
    line.text += fmt::format(": phase {} {} {}", phase.name, failed ? "failed after" : "took",
                             milliseconds(duration));
    add_members(line, kPrefix,
                {{"status", "running"},
                 {"phase", phase.name},
                 {"begin-ns", phase.begin_ns},
                 {"end-ns", phase.end_ns},
                 {"duration-ns", duration}});
    write_(std::move(line));
}

void JobLog::tell_end(const JobRecord& record) {
    SystemLogEntry line = entry(record, kEndId);
    line.priority = priority_of(record);
    if (record.error)
        line.text += fmt::format(" ended in phase {} as {}: {}", record.phase,
                                 to_string(record.status), record.error->message());
    else
        line.text += fmt::format(" completed, {}", versions(record));
    line.text += pause_text(record.pause);
    json document = record.to_json();
    for (const char* told : {"job-id", "check"})
        document.erase(told);
    // From what clients translate is nothing for a log.
    for (const auto& [member, text] : {std::pair("error", "desc"), {"rehearsal", "skipped"}})
        if (document.contains(member))
            document[member].erase(parts_name(text));
    add_members(line, kPrefix, document);
    for (const json& blocker : record.blockers)
        line.fields.emplace_back(field_name(kPrefix, "blocker"), blocker.value("id", ""));
    write_(std::move(line));
}

}  // namespace cpr::controller
