// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/monitor_follower.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "controller/qemu/block_graph.h"
#include "controller/qemu/command_rules.h"
#include "controller/qemu/line_checks.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

// An object within an object; empty if there is none.
json member(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_object() ? *found : json::object();
}

}  // namespace

MonitorFollower::MonitorFollower(ArgumentModel start) {
    guest_.line = std::move(start);
    order_nodes(guest_.line);
}

MonitorFollower::Ticket MonitorFollower::on_command(const json& command, size_t descriptors) {
    std::string name = text_of(command, "execute");
    // Out of band: the same commands.
    if (name.empty())
        name = text_of(command, "exec-oob");
    last_serials_ = guest_.descriptors.arrive(descriptors);
    pending_.emplace(++last_ticket_, Pending{name, member(command, "arguments"), last_serials_});
    return last_ticket_;
}

void MonitorFollower::on_answer(Ticket ticket, const json& answer) {
    auto node = pending_.extract(ticket);
    if (!node || !answer.is_object() || !answer.contains("return"))
        return;
    const Pending& pending = node.mapped();
    apply_command(guest_,
                  {pending.command, pending.arguments, answer["return"], pending.descriptors});
}

void MonitorFollower::on_event(const json& event) {
    const std::string name = text_of(event, "event");
    const json data = member(event, "data");
    if (name == "DEVICE_DELETED")
        track_device_deleted(guest_, text_of(data, "device"));
    else if (name == "JOB_STATUS_CHANGE")
        guest_.jobs.on_status(text_of(data, "id"), text_of(data, "status"), has_pending_change(),
                              guest_.line, guest_.blockers);
    else if (name == "BLOCK_EXPORT_DELETED")
        track_export_deleted(guest_, text_of(data, "id"));
    else if (name == "MIGRATION")
        track_migration_status(guest_, text_of(data, "status"));
    else if (name == "DUMP_COMPLETED")
        track_dump_completed(guest_);
}

bool MonitorFollower::has_pending_change() const {
    return std::ranges::any_of(pending_, [](const auto& entry) {
        return rule_for(entry.second.command).effect != CommandEffect::kNone;
    });
}

std::vector<Blocker> MonitorFollower::blockers() const {
    std::vector<Blocker> all = guest_.blockers.all();
    for (const auto& [ticket, pending] : pending_)
        if (rule_for(pending.command).effect != CommandEffect::kNone)
            all.push_back({kCommandPendingBlocker,
                           Text("the monitor's command '{}' has no answer yet", pending.command),
                           N_("try again")});
    for (Blocker& blocker : check_line(guest_.line))
        all.push_back(std::move(blocker));
    return all;
}

ArgumentModel MonitorFollower::command_line(const std::function<int(Serial)>& number_of) const {
    ArgumentModel line = guest_.line;
    guest_.descriptors.write_numbers(line, number_of);
    order_nodes(line);
    return line;
}

Blocker unreadable_command_line(const Text& reason) {
    return {kCommandLineBlocker, reason,
            N_("remove the option (<qemu:commandline>), and start the "
               "domain anew")};
}

}  // namespace cpr::controller::qemu
