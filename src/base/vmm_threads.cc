// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/vmm_threads.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_number.h"

namespace cpr {
namespace {

using nlohmann::json;

Error not_understood(const char* command) {
    return Error(ErrorCode::kInternal, "the VMM's answer to {} is not understood", command);
}

pid_t thread_in(const json& entry, const char* command) {
    const auto id = entry.is_object() && entry.contains("thread-id")
                        ? integer_in<int32_t>(entry["thread-id"])
                        : std::nullopt;
    if (id.value_or(0) <= 0)
        throw not_understood(command);
    return *id;
}

void add_vcpus(const json& cpus, VmmThreads& threads) {
    for (const json& cpu : cpus) {
        const pid_t thread = thread_in(cpu, "query-cpus-fast");
        const auto index =
            cpu.contains("cpu-index") ? integer_in<uint32_t>(cpu["cpu-index"]) : std::nullopt;
        if (!index)
            throw not_understood("query-cpus-fast");
        threads[fmt::format("vcpu{}", *index)] = thread;
    }
}

void add_iothreads(const json& iothreads, VmmThreads& threads) {
    for (const json& iothread : iothreads) {
        const pid_t thread = thread_in(iothread, "query-iothreads");
        if (!iothread.contains("id") || !iothread["id"].is_string())
            throw not_understood("query-iothreads");
        threads[iothread["id"].get<std::string>()] = thread;
    }
}

}  // namespace

VmmThreads parse_vmm_threads(const json& cpus, const json& iothreads) {
    VmmThreads threads;
    add_vcpus(cpus, threads);
    add_iothreads(iothreads, threads);
    return threads;
}

std::optional<std::string> stranger_among(const VmmThreads& threads, pid_t process) {
    for (const auto& [name, thread] : threads)
        if (!std::filesystem::exists(fmt::format("/proc/{}/task/{}", process, thread)))
            return name;
    return std::nullopt;
}

}  // namespace cpr
