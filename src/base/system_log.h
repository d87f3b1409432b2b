// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_SYSTEM_LOG_H
#define CPR_BASE_SYSTEM_LOG_H

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace cpr {

// A line for the host's log. The fields are journald's: upper-case names, of which one may be there
// several times.
struct SystemLogEntry {
    int priority = 6;  // as syslog(3) has them
    std::string text;
    std::vector<std::pair<std::string, std::string>> fields = {};
};

// Writes to the journal with all fields, or, where there is none, the text to syslog. Nothing
// happens where there is neither. May wait for the daemon. Any thread.
void write_to_system_log(const SystemLogEntry& entry);

// Hands entries to the host's log from a thread of its own, in order: a daemon that hangs must not
// keep whoever has something to tell. Any thread.
class SystemLog {
  public:
    using Writer = std::function<void(const SystemLogEntry& entry)>;

    // As many entries may wait; more are lost.
    static constexpr std::size_t kCapacity = 256;

    explicit SystemLog(Writer writer = write_to_system_log);
    SystemLog(const SystemLog&) = delete;
    SystemLog& operator=(const SystemLog&) = delete;
    // Waits for the entry that is being written; the others are lost.
    ~SystemLog();

    // Returns at once. False if the entry is lost.
    bool write(SystemLogEntry entry);
    // Waits until all is written, or the time is over. Whether all is.
    bool flush(std::chrono::milliseconds timeout);

  private:
    void run();

    const Writer writer_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<SystemLogEntry> waiting_;
    bool writing_ = false;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace cpr

#endif
