// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/run_watch.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/json_number.h"
#include "base/monotonic.h"
#include "base/utc_time.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

std::string status_of(const json& event) {
    const auto data = event.find("data");
    if (data == event.end() || !data->is_object() || !data->contains("status"))
        return {};
    const json& status = data->at("status");
    return status.is_string() ? status.get<std::string>() : std::string();
}

// QMP's "timestamp" of an event, in ns of CLOCK_REALTIME.
std::optional<int64_t> realtime_of(const json& event) {
    const auto stamp = event.find("timestamp");
    if (stamp == event.end() || !stamp->is_object() || !stamp->contains("seconds") ||
        !stamp->contains("microseconds"))
        return std::nullopt;
    const auto seconds = integer_in<uint32_t>(stamp->at("seconds"));
    const auto microseconds = integer_in<uint32_t>(stamp->at("microseconds"));
    if (!seconds || !microseconds)
        return std::nullopt;
    return int64_t{*seconds} * 1'000'000'000 + int64_t{*microseconds} * 1000;
}

}  // namespace

RunWatch::RunWatch() : begun_ns_(monotonic_ns()) {}

// It may be read much later where the guest's processors want the host's. A clock that was set
// meanwhile, or a QEMU that tells a lie, moves nothing out of the time of the watch.
int64_t RunWatch::sent_ns(const json& event) const {
    const int64_t now = monotonic_ns();
    const auto sent = realtime_of(event);
    return sent ? std::clamp(now - (realtime_ns() - *sent), begun_ns_, now) : now;
}

void RunWatch::on_event(const json& event) {
    const auto name = event.find("event");
    if (name == event.end() || !name->is_string())
        return;
    // Not under the lock, for which who waits would wait again.
    if (take(name->get<std::string>(), event))
        changed_.notify_all();
    if (then_)
        then_();
}

bool RunWatch::take(const std::string& name, const json& event) {
    const std::lock_guard lock(mutex_);
    if (name == "STOP") {
        seen_.stopped_ns = sent_ns(event);
    } else if (name == "RESUME") {
        seen_.resumed_ns = sent_ns(event);
    } else if (name == "MIGRATION") {
        seen_.migration = status_of(event);
        seen_.migration_ns = sent_ns(event);
    }
    return until_ && (*until_)(seen_);
}

void RunWatch::on_closed() {
    const std::lock_guard lock(mutex_);
    seen_.closed = true;
    changed_.notify_all();
}

RunWatch::Seen RunWatch::seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
}

RunWatch::Seen RunWatch::wait(const Text& what, const std::function<bool(const Seen&)>& until,
                              std::chrono::milliseconds deadline, const std::function<void()>& look,
                              std::chrono::milliseconds every) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    std::unique_lock lock(mutex_);
    while (!until(seen_)) {
        if (seen_.closed)
            throw Error(ErrorCode::kVmmGone, "QEMU has ended before {}", what);
        const auto now = std::chrono::steady_clock::now();
        if (now >= end)
            throw Error(ErrorCode::kTimeout, "QEMU has not come to {} within {} ms", what,
                        deadline.count());
        until_ = &until;
        changed_.wait_until(lock, look ? std::min(end, now + every) : end);
        until_ = nullptr;
        if (look) {
            lock.unlock();
            look();
            lock.lock();
        }
    }
    return seen_;
}

bool is_over(const std::string& migration) {
    return migration == "completed" || migration == "failed" || migration == "cancelled";
}

}  // namespace cpr::controller::qemu
