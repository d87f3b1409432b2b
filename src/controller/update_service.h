// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_UPDATE_SERVICE_H
#define CPR_CONTROLLER_UPDATE_SERVICE_H

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/event_loop.h"
#include "controller/job_log.h"
#include "controller/job_record.h"
#include "controller/job_stats.h"
#include "controller/relay.h"
#include "controller/update_job.h"
#include "controller/vmm_calls.h"

namespace cpr::controller {

// The commands update-in-place, query-update-in-place, query-update-in-place-stats and
// cancel-update-in-place, and the events of docs/protocol.md: at most one job at a time, and what
// became of the last one. On the event loop's thread. Destroying it waits for the job, which needs
// the VMM's link to be closed by then.
class UpdateService {
  public:
    struct Settings {
        RunningVmm vmm;
        // Where the domain's sockets are.
        std::string folder;
        // What emulators.conf names now. Throws Error. Any thread.
        std::function<std::string()> configured_binary;
        // Of emulators.conf now. Throws Error. Any thread.
        std::function<UpdateDeadlines()> deadlines;
        // Another process is the VMM now.
        std::function<void(std::shared_ptr<const VmmProcess> process)> adopt;
        // For the loop's thread.
        ExecOrders exec = {};
        // The domain's name, and where the host's log is told of jobs; without it, it is not.
        std::string domain = {};
        JobLog::Write write_log = {};
    };

    // Adds its commands to the relay.
    UpdateService(EventLoop& loop, VmmLink& link, Relay& relay, Settings settings);

    // Whether a job holds all that the guest needs, so that the VMM's end is not the domain's.
    bool keeping() const { return keeping_; }
    // Calls back at once if no job is active, otherwise when it has ended.
    void when_idle(std::function<void()> callback);

  private:
    nlohmann::json start(const nlohmann::json& arguments);
    nlohmann::json query() const;
    nlohmann::json query_stats() const;
    nlohmann::json cancel();
    UpdateJob::Host make_host();
    void on_progress(JobRecord record);
    void tell_log();
    void on_finished(JobRecord record, RunningVmm vmm);
    void end_switch(bool stopped);

    EventLoop& loop_;
    VmmLink& link_;
    Relay& relay_;
    VmmCalls calls_;
    Settings settings_;
    JobRecord record_;
    JobLog log_;
    // The log has yet to be told what the record says.
    EventSource log_delay_;
    JobStats stats_;
    int64_t domain_pid_;
    uint64_t generation_ = 0;
    bool keeping_ = false;
    std::function<void()> idle_callback_;
    std::unique_ptr<UpdateJob> job_;
};

}  // namespace cpr::controller

#endif
