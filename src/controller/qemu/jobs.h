// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_JOBS_H
#define CPR_CONTROLLER_QEMU_JOBS_H

#include <map>
#include <string>

#include "controller/qemu/argument_model.h"
#include "controller/qemu/blocker.h"

namespace cpr::controller::qemu {

// What a job does to the graph of block nodes when it has ended well.
struct JobEffect {
    enum class Kind { kNone, kCommit, kStream, kMirror };
    Kind kind = Kind::kNone;
    // The node that the job is on: a mirror's source, a commit's or a stream's top.
    std::string top;
    // A commit's or a stream's base, which may be empty; a mirror's target.
    std::string base;
    // Waits for job-complete, and does nothing if it is cancelled instead.
    bool waits = false;
};

// The jobs of QEMU's that run: each is a blocker until it has gone. Events may come before the
// answer to the command that makes a job.
class Jobs {
  public:
    // A command has made a job.
    void start(const std::string& id, const std::string& command, JobEffect effect,
               ArgumentModel& line, BlockerList& blockers);
    // job-complete and job-cancel have been accepted.
    void complete(const std::string& id, ArgumentModel& line, BlockerList& blockers);
    void cancel(const std::string& id);
    // JOB_STATUS_CHANGE. `may_start`: a command that may have made the job has no answer yet.
    void on_status(const std::string& id, const std::string& status, bool may_start,
                   ArgumentModel& line, BlockerList& blockers);

  private:
    struct Job {
        // Empty until the command's answer.
        std::string command;
        JobEffect effect;
        bool completed = false;
        bool cancelled = false;
        bool failed = false;
        bool concluded = false;
        bool gone = false;
    };

    static bool is_unclear(const Job& job);
    void conclude(const std::string& id, Job& job, ArgumentModel& line, BlockerList& blockers);

    std::map<std::string, Job> jobs_;
};

}  // namespace cpr::controller::qemu

#endif
