// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/update_service.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json_number.h"
#include "base/log.h"
#include "controller/loop_call.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

// Of an update that cannot be undone any more.
constexpr std::string_view kPhaseAfterEntry = "finish";
constexpr const char* kEvent = "UPDATE_IN_PLACE";

// In which the guest may be stopped.
constexpr std::array<std::string_view, 4> kPausePhases{"save", "exec", "load", "resume"};

bool may_pause_guest(const JobRecord& record) {
    return record.status == JobStatus::kRunning &&
           std::ranges::find(kPausePhases, record.phase) != kPausePhases.end();
}

void refuse_arguments(const json& arguments) {
    for (const auto& [key, value] : arguments.items())
        throw Error(ErrorCode::kInvalidArgument, "Parameter '{}' is unexpected", key);
}

Error wrong_type(const std::string& key, const Text& expected) {
    return Error(ErrorCode::kInvalidArgument, "Invalid parameter type for '{}', expected: {}", key,
                 expected);
}

std::chrono::milliseconds parse_milliseconds(const std::string& key, const json& value) {
    const auto number = integer_in<uint32_t>(value);
    if (number.value_or(0) == 0)
        throw wrong_type(key, N_("positive integer"));
    return std::chrono::milliseconds(*number);
}

std::string parse_binary(const std::string& key, const json& value) {
    if (!value.is_string())
        throw wrong_type(key, N_("string"));
    auto path = value.get<std::string>();
    if (!path.starts_with('/'))
        throw Error(ErrorCode::kInvalidArgument, "binary '{}' is not an absolute path", path);
    return path;
}

bool parse_flag(const std::string& key, const json& value) {
    if (!value.is_boolean())
        throw wrong_type(key, N_("boolean"));
    return value.get<bool>();
}

UpdateMode parse_mode(const std::string& key, const json& value) {
    const auto mode = value.is_string() ? update_mode_from(value.get<std::string>()) : std::nullopt;
    if (!mode)
        throw wrong_type(key, N_("'auto', 'exec' or 'transfer'"));
    return *mode;
}

JobRecord parse_request(const json& arguments) {
    JobRecord record;
    for (const auto& [key, value] : arguments.items()) {
        if (key == "binary")
            record.new_binary.path = parse_binary(key, value);
        else if (key == "check")
            record.check = parse_flag(key, value);
        else if (key == "timeout")
            record.timeout = parse_milliseconds(key, value);
        else if (key == "max-pause")
            record.max_pause = parse_milliseconds(key, value);
        else if (key == "mode")
            record.mode = parse_mode(key, value);
        else if (key == "place-threads")
            record.place_threads = parse_flag(key, value);
        else
            throw Error(ErrorCode::kInvalidArgument, "Parameter '{}' is unexpected", key);
    }
    return record;
}

// Whether a path names another file than the one that runs, as after the upgrade of a package.
bool is_other_file(const Binary& running, const std::string& path) {
    struct stat ours {};
    struct stat theirs {};
    if (fstat(running.fd.get(), &ours) < 0 || stat(path.c_str(), &theirs) < 0)
        throw errno_error("look at '{}'", path);
    return ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino;
}

// Of the domain's log, which is its VMM's and says what is about it; the host's log has JobLog's.
void log_end(const JobRecord& record) {
    const std::string_view what = record.check ? "update check" : "update";
    if (record.error)
        log::warning("{} {} to '{}' ended in phase {} as {}: {}", what, record.id,
                     record.new_binary.path, record.phase, to_string(record.status),
                     record.error->message());
    else
        log::info("{} {} to '{}' (version {}): {}", what, record.id, record.new_binary.path,
                  record.new_binary.version, to_string(record.status));
}

}  // namespace

UpdateService::UpdateService(EventLoop& loop, VmmLink& link, Relay& relay, Settings settings)
    : loop_(loop),
      link_(link),
      relay_(relay),
      calls_(loop, link),
      settings_(std::move(settings)),
      log_(settings_.domain, settings_.write_log),
      domain_pid_(settings_.vmm.process->pid) {
    record_.domain_pid = domain_pid_;
    relay.add_command("update-in-place",
                      [this](const json& arguments) { return start(arguments); });
    relay.add_command("query-update-in-place", [this](const json& arguments) {
        refuse_arguments(arguments);
        return query();
    });
    relay.add_command("query-update-in-place-stats", [this](const json& arguments) {
        refuse_arguments(arguments);
        return query_stats();
    });
    relay.add_command("cancel-update-in-place", [this](const json& arguments) {
        refuse_arguments(arguments);
        return cancel();
    });
}

json UpdateService::start(const json& arguments) {
    JobRecord record = parse_request(arguments);
    if (job_)
        throw Error(ErrorCode::kJobActive, "update {} of this domain runs already", record_.id);
    UpdateJob::Host host = make_host();
    record.id = record_.id + 1;
    record.domain_pid = domain_pid_;
    record.vmm_pid = settings_.vmm.process->pid;
    record.generation = generation_;
    // There may be no thread for it.
    job_ = std::make_unique<UpdateJob>(std::move(host), settings_.vmm, record);
    record_ = std::move(record);
    record_.status = JobStatus::kRunning;
    record_.phase = "validate";
    log_.follow(record_);
    return {{"job-id", record_.id}};
}

json UpdateService::query() const {
    return record_.to_json();
}

json UpdateService::query_stats() const {
    json result = stats_.to_json();
    result["generation"] = generation_;
    result["running"] = {{"binary", settings_.vmm.binary->path}};
    if (!stats_.running_version().empty())
        result["running"]["version"] = stats_.running_version();
    try {
        const std::string path = settings_.configured_binary();
        result["configured"] = {{"binary", path}};
        result["outdated"] = is_other_file(*settings_.vmm.binary, path);
    } catch (const Error& error) {
        result["error"] = {{"code", std::string(to_string(error.code()))},
                           {"desc", error.message()}};
    }
    return result;
}

json UpdateService::cancel() {
    if (!job_)
        throw Error(ErrorCode::kNoJob, "no update of this domain runs");
    if (record_.phase == kPhaseAfterEntry)
        throw Error(ErrorCode::kInvalidState,
                    "update {} can no longer be cancelled: the guest has been taken over by '{}'",
                    record_.id, record_.new_binary.path);
    job_->cancel();
    return json::object();
}

// The job calls these on its own thread; everything that they do is done on the loop's, in order.
// What is posted may come after what happens to a descriptor later: whatever decides about the VMM
// holds when the call returns.
UpdateJob::Host UpdateService::make_host() {
    return {
        {calls_,
         loop_,
         link_,
         {},
         settings_.deadlines,
         settings_.folder,
         settings_.configured_binary,
         [this] { call_on_loop(loop_, [this] { relay_.begin_switch(); }); },
         [this](const json& status) {
             loop_.post([this, status] { relay_.set_switch_status(status); });
         },
         orders_on_loop(loop_, settings_.exec),
         [this](bool keeping) { call_on_loop(loop_, [this, keeping] { keeping_ = keeping; }); },
         [this](const std::shared_ptr<const VmmProcess>& process) {
             call_on_loop(loop_, [this, process] { settings_.adopt(process); });
         }},
        [this](const JobRecord& record) { loop_.post([this, record] { on_progress(record); }); },
        [this](bool stopped) { loop_.post([this, stopped] { end_switch(stopped); }); },
        [this](const JobRecord& record, const RunningVmm& vmm) {
            loop_.post([this, record, vmm] { on_finished(record, vmm); });
        }};
}

// Whoever is told wakes up, and the guest's return may have to wait for a processor until he has
// read it.
void UpdateService::on_progress(JobRecord record) {
    record_ = std::move(record);
    if (may_pause_guest(record_)) {
        if (!log_delay_)
            log_delay_ = loop_.after(ClientSession::kLongestDelay, [this] { tell_log(); });
        relay_.send_event_later(kEvent, record_.to_event());
        return;
    }
    tell_log();
    relay_.send_event(kEvent, record_.to_event());
}

void UpdateService::tell_log() {
    log_delay_.cancel();
    log_.follow(record_);
}

void UpdateService::end_switch(bool stopped) {
    relay_.end_switch();
    // The guest ran when libvirt last heard of it.
    if (stopped)
        relay_.send_event("STOP", json::object());
}

void UpdateService::on_finished(JobRecord record, RunningVmm vmm) {
    job_.reset();
    generation_ = record.generation;
    settings_.vmm = std::move(vmm);
    log_end(record);
    stats_.add(record);
    on_progress(std::move(record));
    if (const auto callback = std::exchange(idle_callback_, {}))
        callback();
}

void UpdateService::when_idle(std::function<void()> callback) {
    if (job_)
        idle_callback_ = std::move(callback);
    else
        callback();
}

}  // namespace cpr::controller
