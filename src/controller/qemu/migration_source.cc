// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/migration_source.h"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "controller/qemu/run_watch.h"

namespace cpr::controller::qemu {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kLook = 5ms;
using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 2> kTransferNeeds{"events", "return-path"};
constexpr std::array<std::string_view, 1> kExecNeeds{"events"};

constexpr const char* kMachine = "/machine";
constexpr const char* kSuppressed = "suppress-vmdesc";

bool is_among(Names needed, const std::string& capability) {
    return std::ranges::find(needed, capability) != needed.end();
}

// What has to be changed of these capabilities; the others may be of any version.
json wanted(const json& capabilities, Names needed) {
    json changes = json::array();
    for (const json& entry : capabilities) {
        const auto name = entry.at("capability").get<std::string>();
        if (entry.at("state") != is_among(needed, name))
            changes.push_back({{"capability", name}, {"state", is_among(needed, name)}});
    }
    return changes;
}

// Whether it changes nothing where set_needed() was.
bool sets_as(Names needed, const json& command) {
    return command.at("execute") == "migrate-set-capabilities" &&
           wanted(command.at("arguments").at("capabilities"), needed).empty();
}

void change_capabilities(VmmCalls& calls, const json& changes, std::chrono::milliseconds deadline) {
    if (!changes.empty())
        calls.call("migrate-set-capabilities", {{"capabilities", changes}}, deadline);
}

void set_needed(VmmCalls& calls, Names needed, std::chrono::milliseconds deadline) {
    const json present = calls.call("query-migrate-capabilities", json::object(), deadline);
    change_capabilities(calls, wanted(present, needed), deadline);
}

}  // namespace

json migration_channel(const std::string& type, const std::string& path) {
    return {{"channel-type", type},
            {"addr", {{"transport", "socket"}, {"type", "unix"}, {"path", path}}}};
}

void set_transfer_capabilities(VmmCalls& calls, std::chrono::milliseconds deadline) {
    set_needed(calls, kTransferNeeds, deadline);
}

void set_exec_capabilities(VmmCalls& calls, std::chrono::milliseconds deadline) {
    set_needed(calls, kExecNeeds, deadline);
}

void set_describing(VmmCalls& calls, bool describing, std::chrono::milliseconds deadline) {
    calls.call("qom-set", {{"path", kMachine}, {"property", kSuppressed}, {"value", !describing}},
               deadline);
}

bool sets_as_for_transfer(const json& command) {
    return sets_as(kTransferNeeds, command);
}

bool sets_as_for_exec(const json& command) {
    return sets_as(kExecNeeds, command);
}

void MigrationSource::set_capabilities(Names needed) {
    needed_ = needed;
    capabilities_ = calls_.call("query-migrate-capabilities", json::object(), query_);
    changed_ = true;
    change_capabilities(calls_, wanted(capabilities_, needed_), query_);
}

void MigrationSource::begin_transfer(const std::string& channel, const std::string& main) {
    set_capabilities(kTransferNeeds);
    silence_description();
    calls_.call("migrate-set-parameters", {{"mode", "cpr-transfer"}}, query_);
    calls_.call(
        "migrate",
        {{"channels", {migration_channel("main", main), migration_channel("cpr", channel)}}},
        query_);
}

// Old machine types have none, nor may a QEMU to come.
void MigrationSource::silence_description() {
    try {
        if (calls_.call("qom-get", {{"path", kMachine}, {"property", kSuppressed}}, query_) !=
            false)
            return;
    } catch (const Error& error) {
        log::info("QEMU's description of the guest's state is left as it is: {}", error.message());
        return;
    }
    silenced_ = true;
    set_describing(calls_, false, query_);
}

void MigrationSource::prepare_exec(const std::vector<std::string>& command) {
    set_capabilities(kExecNeeds);
    execs_ = true;
    calls_.call("migrate-set-parameters", {{"mode", "cpr-exec"}, {"cpr-exec-command", command}},
                query_);
}

void MigrationSource::begin_exec(int state) {
    state_set_ = calls_.call("add-fd", json::object(), query_, state).at("fdset-id");
    calls_.call("migrate", {{"uri", fmt::format("file:/dev/fdset/{}", state_set_.dump())}}, query_);
}

std::string MigrationSource::migration_status() {
    const json answer = calls_.call("query-migrate", json::object(), query_);
    return answer.is_object() ? answer.value("status", "none") : "none";
}

void MigrationSource::end_migration(std::chrono::milliseconds deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    bool cancelled = false;
    for (std::string status = migration_status(); status != "none" && !is_over(status);
         status = migration_status()) {
        if (std::chrono::steady_clock::now() >= end)
            throw Error(ErrorCode::kTimeout, "QEMU does not end its migration ({}) within {} ms",
                        status, deadline.count());
        if (!std::exchange(cancelled, true))
            calls_.call("migrate_cancel", json::object(), query_);
        std::this_thread::sleep_for(kLook);
    }
}

// Directly after it has said that it has completed, QEMU still is about to finish its migration,
// and refuses `cont`.
bool MigrationSource::is_running_when_settled(std::chrono::milliseconds deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    json status = calls_.call("query-status", json::object(), query_);
    while (status.value("status", "") == "finish-migrate") {
        if (std::chrono::steady_clock::now() >= end)
            throw Error(ErrorCode::kTimeout, "QEMU does not finish its migration within {} ms",
                        deadline.count());
        std::this_thread::sleep_for(kLook);
        status = calls_.call("query-status", json::object(), query_);
    }
    return status.value("running", false);
}

void MigrationSource::restore_settings() {
    json changes = json::array();
    for (const json& entry : capabilities_)
        if (entry.at("state") != is_among(needed_, entry.at("capability").get<std::string>()))
            changes.push_back(entry);
    change_capabilities(calls_, changes, query_);
    json parameters{{"mode", "normal"}};
    if (silenced_)
        set_describing(calls_, true, query_);
    if (execs_)
        parameters["cpr-exec-command"] = json::array();
    calls_.call("migrate-set-parameters", parameters, query_);
    if (!state_set_.is_null())
        calls_.call("remove-fd", {{"fdset-id", state_set_}}, query_);
}

void MigrationSource::take_back(bool was_running, std::chrono::milliseconds deadline) {
    if (!changed_)
        return;
    end_migration(deadline);
    if (!is_running_when_settled(deadline) && was_running)
        calls_.call("cont", json::object(), deadline);
    restore_settings();
}

}  // namespace cpr::controller::qemu
