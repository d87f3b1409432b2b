// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/vmm_threads.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

// The processors of the largest hosts, and more.
constexpr int kMaxProcessors = 8192;
constexpr size_t kSetSize = CPU_ALLOC_SIZE(kMaxProcessors);

}  // namespace

VmmThreads vmm_threads(VmmCalls& calls, pid_t process, std::chrono::milliseconds deadline) {
    const json none = json::object();
    const json cpus = calls.call("query-cpus-fast", none, deadline);
    VmmThreads threads = parse_vmm_threads(cpus, calls.call("query-iothreads", none, deadline));
    if (const auto stranger = stranger_among(threads, process))
        throw Error(ErrorCode::kInternal,
                    "the VMM says that {} is thread {}, which process {} has not", *stranger,
                    threads.at(*stranger), process);
    return threads;
}

ThreadAffinity::ThreadAffinity(const VmmThreads& threads) {
    for (const auto& [name, thread] : threads) {
        std::unique_ptr<cpu_set_t, Free> set(CPU_ALLOC(kMaxProcessors));
        if (!set || sched_getaffinity(thread, kSetSize, set.get()) < 0)
            throw errno_error("read the affinity of {}, thread {}", name, thread);
        sets_.emplace(name, std::move(set));
    }
}

void ThreadAffinity::apply_to(const VmmThreads& threads) const {
    for (const auto& [name, set] : sets_) {
        const auto thread = threads.find(name);
        if (thread == threads.end())
            throw Error(ErrorCode::kInternal, "the new VMM has no {}", name);
        if (sched_setaffinity(thread->second, kSetSize, set.get()) < 0)
            throw errno_error("set the affinity of {}, thread {}", name, thread->second);
    }
}

}  // namespace cpr::controller
