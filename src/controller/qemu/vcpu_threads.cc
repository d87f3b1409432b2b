// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/vcpu_threads.h"

#include <sched.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

// The processors of the largest hosts, and more.
constexpr int kMaxProcessors = 8192;

// By index.
std::map<int, pid_t> vcpu_threads(VmmCalls& calls, std::chrono::milliseconds deadline) {
    std::map<int, pid_t> threads;
    for (const json& cpu : calls.call("query-cpus-fast", json::object(), deadline))
        threads[cpu.at("cpu-index").get<int>()] = cpu.at("thread-id").get<pid_t>();
    return threads;
}

struct CpuSetFree {
    void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

void copy_affinity(pid_t from, pid_t to) {
    const std::unique_ptr<cpu_set_t, CpuSetFree> set(CPU_ALLOC(kMaxProcessors));
    const size_t size = CPU_ALLOC_SIZE(kMaxProcessors);
    if (!set || sched_getaffinity(from, size, set.get()) < 0)
        throw errno_error(fmt::format("read the affinity of thread {}", from));
    if (sched_setaffinity(to, size, set.get()) < 0)
        throw errno_error(fmt::format("set the affinity of thread {}", to));
}

}  // namespace

void copy_vcpu_affinity(VmmCalls& from, VmmCalls& to, std::chrono::milliseconds deadline) {
    const auto old_threads = vcpu_threads(from, deadline);
    const auto new_threads = vcpu_threads(to, deadline);
    if (old_threads.size() != new_threads.size())
        throw Error(ErrorCode::kInternal, "the guest has {} vCPUs, the new QEMU {}",
                    old_threads.size(), new_threads.size());
    for (const auto& [index, thread] : old_threads)
        copy_affinity(thread, new_threads.at(index));
}

}  // namespace cpr::controller::qemu
