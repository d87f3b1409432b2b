// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_RUN_WATCH_H
#define CPR_CONTROLLER_QEMU_RUN_WATCH_H

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

#include "base/text.h"

namespace cpr::controller::qemu {

// What a QEMU has said of its guest and of its migration since the watch began. Events come on the
// loop's thread, and are waited for on the job's.
class RunWatch {
  public:
    // Moments are in ns of CLOCK_MONOTONIC, of when QEMU sent the events ("timestamp" in
    // docs/interop/qmp-spec.rst); 0 for what has not happened.
    struct Seen {
        // Of the last MIGRATION event; empty before the first.
        std::string migration;
        // When that was.
        int64_t migration_ns = 0;
        int64_t stopped_ns = 0;
        int64_t resumed_ns = 0;
        // The monitor's connection has ended.
        bool closed = false;
    };

    // How often somebody looks who needs it no oftener: while the guest waits, each time takes a
    // processor.
    static constexpr std::chrono::milliseconds kLook{20};

    RunWatch();

    void on_event(const nlohmann::json& event);
    void on_closed();
    // Called after each event, at once, on the loop's thread, on which this has to be called too.
    void then(std::function<void()> action) { then_ = std::move(action); }

    Seen seen() const;
    // Returns when the condition holds. Throws Error kVmmGone if the QEMU ends before, kTimeout.
    // `look` is called every so often meanwhile, and may throw.
    Seen wait(const Text& what, const std::function<bool(const Seen&)>& until,
              std::chrono::milliseconds deadline, const std::function<void()>& look = {},
              std::chrono::milliseconds every = kLook);

  private:
    int64_t sent_ns(const nlohmann::json& event) const;
    // Whether that is what somebody waits for.
    bool take(const std::string& name, const nlohmann::json& event);

    const int64_t begun_ns_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Seen seen_;
    // What somebody waits for, who is woken for nothing else: that would take a processor.
    const std::function<bool(const Seen&)>* until_ = nullptr;
    // On the loop's thread.
    std::function<void()> then_;
};

// Whether a migration of that status has come to its end.
bool is_over(const std::string& migration);

}  // namespace cpr::controller::qemu

#endif
