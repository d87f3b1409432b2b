// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/command_rules.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;
using enum CommandEffect;

// The commands of QEMU 10.0 to 11.1 that do not begin with query-, less those for other
// architectures, Xen, CXL, SEV and replay: what those change could not be carried over. "abort" is
// a transaction's.
constexpr std::array kRules{
    CommandRule{"abort", kNone},
    CommandRule{"add-fd", kTracked, track_add_fd},
    CommandRule{"add_client", kTracked, track_taken_name},
    CommandRule{"announce-self", kNone},
    CommandRule{"balloon", kNone},
    CommandRule{"block-commit", kTracked, track_commit},
    CommandRule{"block-dirty-bitmap-add", kTracked, track_bitmap_add},
    CommandRule{"block-dirty-bitmap-clear", kNone},
    CommandRule{"block-dirty-bitmap-disable", kNone},
    CommandRule{"block-dirty-bitmap-enable", kNone},
    CommandRule{"block-dirty-bitmap-merge", kNone},
    CommandRule{"block-dirty-bitmap-remove", kTracked, track_bitmap_remove},
    CommandRule{"block-export-add", kTracked, track_export_add},
    CommandRule{"block-export-del", kNone},
    CommandRule{"block-job-cancel", kTracked, track_job_cancel},
    CommandRule{"block-job-change", kNone},
    CommandRule{"block-job-complete", kTracked, track_job_complete},
    CommandRule{"block-job-dismiss", kNone},
    CommandRule{"block-job-finalize", kNone},
    CommandRule{"block-job-pause", kNone},
    CommandRule{"block-job-resume", kNone},
    CommandRule{"block-job-set-speed", kNone},
    CommandRule{"block-latency-histogram-set", kReplayed, nullptr, "id", "path"},
    CommandRule{"block-set-write-threshold", kReplayed, nullptr, "node-name", "node"},
    CommandRule{"block-stream", kTracked, track_stream},
    CommandRule{"block_resize", kTracked, track_block_resize},
    CommandRule{"block_set_io_throttle", kReplayed, nullptr, "id", "path"},
    CommandRule{"blockdev-add", kTracked, track_blockdev_add},
    CommandRule{"blockdev-backup", kTracked, track_job_start},
    CommandRule{"blockdev-change-medium", kBlocks},
    CommandRule{"blockdev-close-tray", kNone},
    CommandRule{"blockdev-create", kTracked, track_job_start},
    CommandRule{"blockdev-del", kTracked, track_blockdev_del},
    CommandRule{"blockdev-insert-medium", kTracked, track_insert_medium},
    CommandRule{"blockdev-mirror", kTracked, track_mirror},
    CommandRule{"blockdev-open-tray", kNone},
    CommandRule{"blockdev-remove-medium", kTracked, track_remove_medium},
    CommandRule{"blockdev-reopen", kTracked, track_blockdev_reopen},
    CommandRule{"blockdev-set-active", kTracked, track_blockdev_set_active},
    CommandRule{"blockdev-snapshot", kTracked, track_snapshot},
    CommandRule{"blockdev-snapshot-delete-internal-sync", kNone},
    CommandRule{"blockdev-snapshot-internal-sync", kNone},
    CommandRule{"blockdev-snapshot-sync", kBlocks},
    CommandRule{"calc-dirty-rate", kNone},
    CommandRule{"cancel-vcpu-dirty-limit", kTracked, track_dirty_limit_cancel},
    CommandRule{"change-backing-file", kNone},
    CommandRule{"change-vnc-password", kReplayed},
    CommandRule{"chardev-add", kTracked, track_chardev_add},
    CommandRule{"chardev-change", kTracked, track_chardev_change},
    CommandRule{"chardev-remove", kTracked, track_chardev_remove},
    CommandRule{"chardev-send-break", kNone},
    CommandRule{"client_migrate_info", kNone},
    CommandRule{"closefd", kTracked, track_closefd},
    CommandRule{"cont", kNone},
    CommandRule{"device-list-properties", kNone},
    CommandRule{"device-sync-config", kNone},
    CommandRule{"device_add", kTracked, track_device_add},
    // The device is there until DEVICE_DELETED.
    CommandRule{"device_del", kNone},
    CommandRule{"display-reload", kNone},
    CommandRule{"display-update", kBlocks},
    CommandRule{"drive-backup", kBlocks},
    CommandRule{"drive-mirror", kBlocks},
    CommandRule{"dump-guest-memory", kTracked, track_dump},
    CommandRule{"dump-skeys", kNone},
    CommandRule{"dumpdtb", kNone},
    CommandRule{"eject", kTracked, track_remove_medium},
    CommandRule{"expire_password", kTracked, track_expire_password},
    CommandRule{"getfd", kTracked, track_getfd},
    CommandRule{"human-monitor-command", kTracked, track_human_monitor},
    CommandRule{"inject-nmi", kNone},
    CommandRule{"input-send-event", kNone},
    CommandRule{"job-cancel", kTracked, track_job_cancel},
    CommandRule{"job-complete", kTracked, track_job_complete},
    CommandRule{"job-dismiss", kNone},
    CommandRule{"job-finalize", kNone},
    CommandRule{"job-pause", kNone},
    CommandRule{"job-resume", kNone},
    CommandRule{"memsave", kNone},
    CommandRule{"migrate", kTracked, track_migrate},
    CommandRule{"migrate-continue", kNone},
    CommandRule{"migrate-incoming", kTracked, track_taken_name},
    CommandRule{"migrate-pause", kNone},
    CommandRule{"migrate-recover", kNone},
    CommandRule{"migrate-set-capabilities", kTracked, track_capabilities},
    CommandRule{"migrate-set-parameters", kTracked, track_parameters},
    CommandRule{"migrate-start-postcopy", kNone},
    CommandRule{"migrate_cancel", kNone},
    CommandRule{"nbd-server-add", kNone},
    CommandRule{"nbd-server-remove", kNone},
    CommandRule{"nbd-server-start", kTracked, track_nbd_start},
    CommandRule{"nbd-server-stop", kTracked, track_nbd_stop},
    CommandRule{"netdev_add", kTracked, track_netdev_add},
    CommandRule{"netdev_del", kTracked, track_netdev_del},
    CommandRule{"object-add", kTracked, track_object_add},
    CommandRule{"object-del", kTracked, track_object_del},
    CommandRule{"pmemsave", kNone},
    CommandRule{"qmp_capabilities", kNone},
    CommandRule{"qom-get", kNone},
    CommandRule{"qom-list", kNone},
    CommandRule{"qom-list-get", kNone},
    CommandRule{"qom-list-properties", kNone},
    CommandRule{"qom-list-types", kNone},
    CommandRule{"qom-set", kTracked, track_qom_set},
    CommandRule{"query-migrate", kTracked, track_query_migrate},
    CommandRule{"quit", kNone},
    CommandRule{"remove-fd", kTracked, track_remove_fd},
    CommandRule{"request-ebpf", kNone},
    CommandRule{"ringbuf-read", kNone},
    CommandRule{"ringbuf-write", kNone},
    CommandRule{"rtc-reset-reinjection", kNone},
    CommandRule{"screendump", kNone},
    CommandRule{"send-key", kNone},
    CommandRule{"set-action", kTracked, track_set_action},
    CommandRule{"set-vcpu-dirty-limit", kTracked, track_dirty_limit},
    CommandRule{"set_link", kReplayed, nullptr, "name", "device"},
    CommandRule{"set_password", kReplayed, nullptr, "protocol"},
    CommandRule{"snapshot-delete", kTracked, track_job_start},
    CommandRule{"snapshot-load", kTracked, track_job_start},
    CommandRule{"snapshot-save", kTracked, track_job_start},
    CommandRule{"stop", kNone},
    CommandRule{"system_powerdown", kNone},
    CommandRule{"system_reset", kNone},
    CommandRule{"system_wakeup", kNone},
    CommandRule{"trace-event-get-state", kNone},
    CommandRule{"trace-event-set-state", kReplayed, nullptr, "name"},
    CommandRule{"transaction", kTracked, track_transaction},
    CommandRule{"watchdog-set-action", kReplayed},
    CommandRule{"x-accel-stats", kNone},
    CommandRule{"x-blockdev-amend", kTracked, track_job_start},
    CommandRule{"x-blockdev-change", kBlocks},
    CommandRule{"x-blockdev-set-iothread", kBlocks},
    CommandRule{"x-debug-block-dirty-bitmap-sha256", kNone},
    CommandRule{"x-debug-query-block-graph", kNone},
    CommandRule{"x-exit-preconfig", kNone},
    CommandRule{"yank", kNone},
};

static_assert(std::ranges::is_sorted(kRules, {}, &CommandRule::name));

std::string subject_of(const CommandRule& rule, const std::string& key) {
    if (rule.subject.empty())
        return {};
    // QEMU takes a device's id for its path.
    if (rule.subject == "path")
        return key.starts_with('/') ? subject_of_path(key) : "device/" + key;
    return fmt::format("{}/{}", rule.subject, key);
}

void replay(Configuration& guest, const CommandRule& rule, const Exchange& exchange) {
    const std::string key = rule.key.empty()
                                ? std::string()
                                : text_of(exchange.arguments, std::string(rule.key).c_str());
    // "device" names disks by -drive, which comes along as it is; the key keeps them apart.
    const std::string other = text_of(exchange.arguments, "device");
    guest.replays.set(exchange.command, exchange.arguments, key.empty() ? other : key,
                      key.empty() ? std::string() : subject_of(rule, key));
}

void track(Configuration& guest, const CommandRule& rule, const Exchange& exchange) {
    try {
        rule.track(guest, exchange);
    } catch (const Error& error) {
        note_irreproducible(guest, "command/" + exchange.command,
                            error.within(Text::verbatim(exchange.command)).text());
    }
}

void refuse_unknown(Configuration& guest, const std::string& command) {
    guest.blockers.set("command/" + command,
                       {kCommandUnknownBlocker,
                        Text("the monitor's command '{}' was given, and what it changes is "
                             "not known",
                             command),
                        kRestartRemedy});
}

}  // namespace

CommandRule rule_for(std::string_view command) {
    const auto found = std::ranges::lower_bound(kRules, command, {}, &CommandRule::name);
    if (found != kRules.end() && found->name == command)
        return *found;
    const bool asks = command.starts_with("query-") || command.starts_with("x-query-");
    return {command, asks ? kNone : kUnknown};
}

void apply_command(Configuration& guest, const Exchange& exchange) {
    const CommandRule rule = rule_for(exchange.command);
    switch (rule.effect) {
        case kNone:
            break;
        case kTracked:
            track(guest, rule, exchange);
            break;
        case kReplayed:
            replay(guest, rule, exchange);
            break;
        case kBlocks:
            note_irreproducible(guest, "command/" + exchange.command,
                                Text("what the monitor's command '{}' has changed cannot be "
                                     "put on a command line",
                                     exchange.command));
            break;
        case kUnknown:
            refuse_unknown(guest, exchange.command);
            break;
    }
}

}  // namespace cpr::controller::qemu
