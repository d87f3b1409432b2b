// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/system_log.h"

#include <glib.h>
#include <syslog.h>

#include <cerrno>

#include "base/quiet_thread.h"

namespace cpr {
namespace {

std::vector<GLogField> journal_fields(const SystemLogEntry& entry, const std::string& priority) {
    const auto field = [](const char* name, const char* text) { return GLogField{name, text, -1}; };
    std::vector<GLogField> fields{field("MESSAGE", entry.text.c_str()),
                                  field("PRIORITY", priority.c_str()),
                                  field("SYSLOG_IDENTIFIER", program_invocation_short_name)};
    for (const auto& [name, value] : entry.fields)
        fields.push_back(GLogField{name.c_str(), value.data(), static_cast<gssize>(value.size())});
    return fields;
}

}  // namespace

void write_to_system_log(const SystemLogEntry& entry) {
    const std::string priority = std::to_string(entry.priority);
    const std::vector<GLogField> fields = journal_fields(entry, priority);
    // The level is for other writers of GLib's: the journal has PRIORITY.
    if (g_log_writer_journald(G_LOG_LEVEL_MESSAGE, fields.data(), fields.size(), nullptr) ==
        G_LOG_WRITER_HANDLED)
        return;
    syslog(LOG_MAKEPRI(LOG_DAEMON, entry.priority), "%s", entry.text.c_str());
}

SystemLog::SystemLog(Writer writer)
    : writer_(std::move(writer)), thread_(start_quiet_thread([this] { run(); })) {}

SystemLog::~SystemLog() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

bool SystemLog::write(SystemLogEntry entry) {
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= kCapacity)
            return false;
        waiting_.push_back(std::move(entry));
    }
    changed_.notify_all();
    return true;
}

bool SystemLog::flush(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [this] { return waiting_.empty() && !writing_; });
}

void SystemLog::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (ending_)
            return;
        const SystemLogEntry entry = std::move(waiting_.front());
        waiting_.pop_front();
        writing_ = true;
        lock.unlock();
        writer_(entry);
        lock.lock();
        writing_ = false;
        changed_.notify_all();
    }
}

}  // namespace cpr
