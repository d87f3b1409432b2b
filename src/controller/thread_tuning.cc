// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/thread_tuning.h"

#include <fmt/format.h>
#include <sched.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/cgroups.h"
#include "base/error.h"

namespace cpr::controller {
namespace {

// What libvirt sets for a thread, in both versions of cgroups.
constexpr std::array kLimits{"cpu.max",    "cpu.weight",  "cpu.cfs_quota_us", "cpu.cfs_period_us",
                             "cpu.shares", "cpuset.cpus", "cpuset.mems"};

// Nothing of a limit that this host does not have. One that cannot be read may be any, as where
// AppArmor denies it.
std::string content(const std::filesystem::path& path) {
    errno = 0;
    std::ifstream file(path);
    if (!file && errno != ENOENT)
        throw errno_error("open '{}'", path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

// Of a limit that differs, its name.
std::optional<std::string> differing_limit(pid_t thread, pid_t process) {
    const auto of_process = cgroup_folders(process);
    for (const auto& [hierarchy, folder] : cgroup_folders(thread)) {
        const auto other = of_process.find(hierarchy);
        if (other == of_process.end() || other->second == folder)
            continue;
        for (const char* limit : kLimits)
            if (content(folder / limit) != content(other->second / limit))
                return limit;
    }
    return std::nullopt;
}

bool is_scheduled_alike(pid_t thread, pid_t process) {
    sched_param of_thread{};
    sched_param of_process{};
    return sched_getscheduler(thread) == sched_getscheduler(process) &&
           sched_getparam(thread, &of_thread) == sched_getparam(process, &of_process) &&
           of_thread.sched_priority == of_process.sched_priority;
}

}  // namespace

std::optional<Text> thread_tuning(pid_t process, const VmmThreads& threads) {
    for (const auto& [name, thread] : threads) {
        if (!is_scheduled_alike(thread, process))
            return Text("a scheduling policy for {}", name);
        if (const auto limit = differing_limit(thread, process))
            return Text("a limit for {}, {} of its cgroup,", name, *limit);
    }
    return std::nullopt;
}

}  // namespace cpr::controller
