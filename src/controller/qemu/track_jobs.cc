// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes on for a while: jobs, exports, migration, dumps.
#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "controller/qemu/configuration.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

constexpr const char* kMigrationKey = "migration";
constexpr const char* kDumpKey = "dump";

std::string job_id(const Exchange& exchange) {
    const std::string id = text_of(exchange.arguments, "job-id");
    return id.empty() ? text_of(exchange.arguments, "device") : id;
}

void start(Configuration& guest, const Exchange& exchange, JobEffect effect) {
    guest.jobs.start(job_id(exchange), exchange.command, std::move(effect), guest.line,
                     guest.blockers);
}

// Files' names say too little about nodes: such a job is one whose effect cannot be followed.
void start_unless_by_file(Configuration& guest, const Exchange& exchange, JobEffect effect,
                          std::initializer_list<const char*> file_names) {
    for (const char* name : file_names) {
        if (text_of(exchange.arguments, name).empty())
            continue;
        start(guest, exchange, {});
        throw Error(ErrorCode::kUnsupported, "a node is named by its file ({})", name);
    }
    start(guest, exchange, std::move(effect));
}

std::string id_of(const Exchange& exchange) {
    const std::string id = text_of(exchange.arguments, "id");
    return id.empty() ? text_of(exchange.arguments, "device") : id;
}

Blocker exported(const Text& what) {
    return {kExportBlocker, Text("{} for other programs", what),
            N_("wait for the end of the backup or migration that it is for, or end it")};
}

}  // namespace

void track_job_start(Configuration& guest, const Exchange& exchange) {
    start(guest, exchange, {});
}

void track_commit(Configuration& guest, const Exchange& exchange) {
    JobEffect effect{JobEffect::Kind::kCommit, text_of(exchange.arguments, "top-node"),
                     text_of(exchange.arguments, "base-node"), false};
    const std::string device = text_of(exchange.arguments, "device");
    if (effect.top.empty())
        effect.top = device;
    // A commit of the node that the guest writes to goes on until it is told to end.
    effect.waits = effect.top == device;
    start_unless_by_file(guest, exchange, effect, {"top", "base"});
}

void track_stream(Configuration& guest, const Exchange& exchange) {
    start_unless_by_file(guest, exchange,
                         {JobEffect::Kind::kStream, text_of(exchange.arguments, "device"),
                          text_of(exchange.arguments, "base-node"), false},
                         {"base", "bottom"});
}

void track_mirror(Configuration& guest, const Exchange& exchange) {
    const std::string replaces = text_of(exchange.arguments, "replaces");
    start(guest, exchange,
          {JobEffect::Kind::kMirror,
           replaces.empty() ? text_of(exchange.arguments, "device") : replaces,
           text_of(exchange.arguments, "target"), true});
}

void track_job_complete(Configuration& guest, const Exchange& exchange) {
    guest.jobs.complete(id_of(exchange), guest.line, guest.blockers);
}

void track_job_cancel(Configuration& guest, const Exchange& exchange) {
    guest.jobs.cancel(id_of(exchange));
}

void track_nbd_start(Configuration& guest, const Exchange& exchange) {
    guest.blockers.set("nbd-server", exported(N_("a server of disks (NBD) runs")));
    track_taken_name(guest, exchange);
}

void track_nbd_stop(Configuration& guest, const Exchange& /*exchange*/) {
    guest.blockers.clear("nbd-server");
}

void track_export_add(Configuration& guest, const Exchange& exchange) {
    const std::string id = text_of(exchange.arguments, "id");
    guest.blockers.set("export/" + id, exported(Text("the disk '{}' is exported", id)));
}

void track_export_deleted(Configuration& guest, const std::string& id) {
    guest.blockers.clear("export/" + id);
}

void track_migrate(Configuration& guest, const Exchange& exchange) {
    track_taken_name(guest, exchange);
    guest.blockers.set(kMigrationKey,
                       {kJobBlocker, N_("the guest is migrated or saved"), N_("wait for its end")});
}

void track_migration_status(Configuration& guest, const std::string& status) {
    constexpr std::array<std::string_view, 4> kEnds{"none", "completed", "failed", "cancelled"};
    for (const std::string_view end : kEnds)
        if (status == end)
            guest.blockers.clear(kMigrationKey);
}

void track_query_migrate(Configuration& guest, const Exchange& exchange) {
    if (exchange.result.is_object())
        track_migration_status(guest, text_of(exchange.result, "status"));
}

void track_dump(Configuration& guest, const Exchange& exchange) {
    track_taken_name(guest, exchange);
    if (flag_of(exchange.arguments, "detach"))
        guest.blockers.set(
            kDumpKey, {kJobBlocker, N_("the guest's memory is dumped"), N_("wait for its end")});
}

void track_dump_completed(Configuration& guest) {
    guest.blockers.clear(kDumpKey);
}

void track_dirty_limit(Configuration& guest, const Exchange& /*exchange*/) {
    guest.blockers.set("dirty-limit", {kNotReproducibleBlocker,
                                       N_("virtual CPUs are slowed down by what they write "
                                          "(set-vcpu-dirty-limit)"),
                                       N_("cancel the limit (cancel-vcpu-dirty-limit)")});
}

void track_dirty_limit_cancel(Configuration& guest, const Exchange& exchange) {
    // That of one CPU leaves those of others.
    if (!exchange.arguments.contains("cpu-index"))
        guest.blockers.clear("dirty-limit");
}

}  // namespace cpr::controller::qemu
