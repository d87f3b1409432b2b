// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/vmm_threads.h"

#include <fmt/format.h>

#include <algorithm>
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

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// As QEMU wants them. Control groups are named by them: a VMM in the guest's hands must not lead
// whoever places its threads to other ones.
bool is_id(const std::string& text) {
    return !text.empty() && is_letter(text[0]) && std::ranges::all_of(text, [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
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
        const auto id =
            iothread.contains("id") ? iothread["id"].get_ptr<const std::string*>() : nullptr;
        if (!id || !is_id(*id))
            throw not_understood("query-iothreads");
        threads[*id] = thread;
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
