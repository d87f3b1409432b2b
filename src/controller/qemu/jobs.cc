// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/jobs.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "controller/qemu/block_graph.h"

namespace cpr::controller::qemu {
namespace {

// The key ends so that no other job's begins with it.
std::string key_of(const std::string& id) {
    return "job/" + id + "/";
}

Blocker running(const std::string& id, const std::string& command) {
    return {kJobBlocker,
            command.empty() ? Text("the job '{}' runs", id)
                            : Text("the job '{}' ({}) runs", id, command),
            N_("wait for its end, or cancel it (virsh blockjob, virsh domjobabort)")};
}

Blocker unclear(const std::string& id, const Text& why) {
    return {kNotReproducibleBlocker,
            Text("what the job '{}' has done to the disks is not known: {}", id, why),
            kRestartRemedy};
}

void commit(const JobEffect& effect, ArgumentModel& line) {
    const std::string base = effect.base.empty() ? bottom_of(line, effect.top) : effect.base;
    if (!effect.waits) {
        drop_chain(line, effect.top, base);
        return;
    }
    replace_users(line, effect.top, base);
    // The guest writes to it now.
    Option& node = block_node(line, base);
    if (node.is_on("read-only"))
        node.set("read-only", false);
}

void apply(const JobEffect& effect, ArgumentModel& line) {
    switch (effect.kind) {
        case JobEffect::Kind::kNone:
            break;
        case JobEffect::Kind::kCommit:
            commit(effect, line);
            break;
        case JobEffect::Kind::kStream:
            set_backing(line, effect.top, effect.base);
            break;
        case JobEffect::Kind::kMirror:
            replace_users(line, effect.top, effect.base);
            break;
    }
}

}  // namespace

void Jobs::start(const std::string& id, const std::string& command, JobEffect effect,
                 ArgumentModel& line, BlockerList& blockers) {
    Job& job = jobs_[id];
    job.command = command;
    job.effect = std::move(effect);
    blockers.set(key_of(id), running(id, command));
    if (job.concluded)
        conclude(id, job, line, blockers);
    if (job.gone) {
        blockers.clear(key_of(id));
        jobs_.erase(id);
    }
}

void Jobs::complete(const std::string& id, ArgumentModel& line, BlockerList& blockers) {
    const auto job = jobs_.find(id);
    if (job == jobs_.end() || job->second.completed)
        return;
    job->second.completed = true;
    if (job->second.concluded)
        conclude(id, job->second, line, blockers);
}

void Jobs::cancel(const std::string& id) {
    if (const auto job = jobs_.find(id); job != jobs_.end())
        job->second.cancelled = true;
}

// Whether a job that has ended well may have done what nobody has seen it told to.
bool Jobs::is_unclear(const Job& job) {
    return !job.failed &&
           (job.command.empty() || (job.effect.waits && !job.completed && !job.cancelled));
}

void Jobs::conclude(const std::string& id, Job& job, ArgumentModel& line, BlockerList& blockers) {
    job.concluded = true;
    if (job.failed || job.command.empty() ||
        (job.effect.waits && (!job.completed || job.cancelled)))
        return;
    try {
        apply(job.effect, line);
    } catch (const Error& error) {
        blockers.set("job-effect/" + id, unclear(id, error.text()));
    }
}

void Jobs::on_status(const std::string& id, const std::string& status, bool may_start,
                     ArgumentModel& line, BlockerList& blockers) {
    Job& job = jobs_[id];
    if (!blockers.has(key_of(id)))
        blockers.set(key_of(id), running(id, job.command));
    if (status == "aborting")
        job.failed = true;
    else if (status == "concluded")
        conclude(id, job, line, blockers);
    else if (status == "null")
        job.gone = true;
    if (!job.gone || (job.command.empty() && may_start))
        return;
    if (is_unclear(job))
        blockers.set("job-effect/" + id, unclear(id, N_("its beginning or its end was not seen")));
    blockers.clear(key_of(id));
    jobs_.erase(id);
}

}  // namespace cpr::controller::qemu
