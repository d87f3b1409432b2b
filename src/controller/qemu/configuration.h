// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_CONFIGURATION_H
#define CPR_CONTROLLER_QEMU_CONFIGURATION_H

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/text.h"
#include "controller/qemu/argument_model.h"
#include "controller/qemu/blocker.h"
#include "controller/qemu/descriptors.h"
#include "controller/qemu/jobs.h"
#include "controller/qemu/replays.h"

namespace cpr::controller::qemu {

// The guest as it is: what would be on the command line if it were started so, what would have to
// be said over the monitor, and what can be done by neither.
struct Configuration {
    ArgumentModel line;
    BlockerList blockers;
    Replays replays;
    Descriptors descriptors;
    Jobs jobs;
};

// A command that has succeeded.
struct Exchange {
    const std::string& command;
    const nlohmann::json& arguments;
    // What came as "return".
    const nlohmann::json& result;
    // Of the descriptors that came along.
    const std::vector<Serial>& descriptors;
};

// A string among the arguments; empty if there is none.
std::string text_of(const nlohmann::json& arguments, const char* name);
// A boolean; false if there is none.
bool flag_of(const nlohmann::json& arguments, const char* name);

// Notes that something cannot be reproduced, until what has that key is gone.
void note_irreproducible(Configuration& guest, const std::string& key, const Text& reason);

// What commands do to the configuration. They throw Error kUnsupported where they cannot say; the
// caller makes a blocker of that.
using Track = void (*)(Configuration& guest, const Exchange& exchange);

void track_device_add(Configuration& guest, const Exchange& exchange);
void track_netdev_add(Configuration& guest, const Exchange& exchange);
void track_netdev_del(Configuration& guest, const Exchange& exchange);
void track_object_add(Configuration& guest, const Exchange& exchange);
void track_object_del(Configuration& guest, const Exchange& exchange);
void track_chardev_add(Configuration& guest, const Exchange& exchange);
void track_chardev_remove(Configuration& guest, const Exchange& exchange);
void track_chardev_change(Configuration& guest, const Exchange& exchange);
// DEVICE_DELETED
void track_device_deleted(Configuration& guest, const std::string& id);

void track_add_fd(Configuration& guest, const Exchange& exchange);
void track_remove_fd(Configuration& guest, const Exchange& exchange);
void track_getfd(Configuration& guest, const Exchange& exchange);
void track_closefd(Configuration& guest, const Exchange& exchange);
// Commands that take a descriptor by its name and keep nothing of it.
void track_taken_name(Configuration& guest, const Exchange& exchange);

void track_blockdev_add(Configuration& guest, const Exchange& exchange);
void track_blockdev_del(Configuration& guest, const Exchange& exchange);
void track_blockdev_reopen(Configuration& guest, const Exchange& exchange);
void track_blockdev_set_active(Configuration& guest, const Exchange& exchange);
void track_snapshot(Configuration& guest, const Exchange& exchange);
void track_transaction(Configuration& guest, const Exchange& exchange);
void track_bitmap_add(Configuration& guest, const Exchange& exchange);
void track_bitmap_remove(Configuration& guest, const Exchange& exchange);
void track_remove_medium(Configuration& guest, const Exchange& exchange);
void track_insert_medium(Configuration& guest, const Exchange& exchange);
void track_block_resize(Configuration& guest, const Exchange& exchange);

void track_job_start(Configuration& guest, const Exchange& exchange);
void track_commit(Configuration& guest, const Exchange& exchange);
void track_stream(Configuration& guest, const Exchange& exchange);
void track_mirror(Configuration& guest, const Exchange& exchange);
void track_job_complete(Configuration& guest, const Exchange& exchange);
void track_job_cancel(Configuration& guest, const Exchange& exchange);

void track_nbd_start(Configuration& guest, const Exchange& exchange);
void track_nbd_stop(Configuration& guest, const Exchange& exchange);
void track_export_add(Configuration& guest, const Exchange& exchange);
// BLOCK_EXPORT_DELETED
void track_export_deleted(Configuration& guest, const std::string& id);
void track_migrate(Configuration& guest, const Exchange& exchange);
// MIGRATION, and the answer of query-migrate
void track_migration_status(Configuration& guest, const std::string& status);
void track_query_migrate(Configuration& guest, const Exchange& exchange);
void track_dump(Configuration& guest, const Exchange& exchange);
// DUMP_COMPLETED
void track_dump_completed(Configuration& guest);
void track_dirty_limit(Configuration& guest, const Exchange& exchange);
void track_dirty_limit_cancel(Configuration& guest, const Exchange& exchange);

void track_qom_set(Configuration& guest, const Exchange& exchange);
void track_expire_password(Configuration& guest, const Exchange& exchange);
void track_set_action(Configuration& guest, const Exchange& exchange);
void track_capabilities(Configuration& guest, const Exchange& exchange);
void track_parameters(Configuration& guest, const Exchange& exchange);
void track_human_monitor(Configuration& guest, const Exchange& exchange);

}  // namespace cpr::controller::qemu

#endif
