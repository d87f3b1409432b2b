// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_MONITOR_FOLLOWER_H
#define CPR_CONTROLLER_QEMU_MONITOR_FOLLOWER_H

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "controller/qemu/argument_model.h"
#include "controller/qemu/blocker.h"
#include "controller/qemu/configuration.h"

namespace cpr::controller::qemu {

// Keeps the configuration of a running guest by what goes over its monitor: it is shown every
// command, its answer, and every event, in their order. So there is at any time a command line for
// the guest as it is, the commands that have to be given again, and the reasons why that is not
// all. One thread.
class MonitorFollower {
  public:
    // Of one command, until its answer.
    using Ticket = uint64_t;

    // The command line that QEMU was started with.
    explicit MonitorFollower(ArgumentModel start);

    // A command goes to QEMU, with that many descriptors. They get the next serial numbers:
    // last_serials() has them.
    Ticket on_command(const nlohmann::json& command, size_t descriptors = 0);
    // Of the command before.
    const std::vector<Serial>& last_serials() const { return last_serials_; }
    // Each command gets its answer once; without one, as when libvirt's connection ends, the
    // command stays under way.
    void on_answer(Ticket ticket, const nlohmann::json& answer);
    void on_event(const nlohmann::json& event);

    // Why the guest cannot be started so. Those of commands under way are gone when they are.
    std::vector<Blocker> blockers() const;

    // The options of the guest as it is now, each node behind those that it uses. `number_of` says
    // under which number the next QEMU finds a descriptor that came over the monitor; those that
    // QEMU was started with have the numbers that they had.
    ArgumentModel command_line(const std::function<int(Serial)>& number_of) const;
    // Commands for the next QEMU before the guest is resumed, in this order.
    std::vector<nlohmann::json> replays() const { return guest_.replays.all(); }
    // Names that getfd gave and nothing has taken: for the next QEMU's getfd.
    const std::map<std::string, Serial>& named_descriptors() const {
        return guest_.descriptors.names();
    }
    // The descriptors that have to be kept; duplicates of others can be closed, unless a command is
    // under way.
    std::set<Serial> live_descriptors() const { return guest_.descriptors.live(); }

  private:
    struct Pending {
        std::string command;
        nlohmann::json arguments;
        std::vector<Serial> descriptors;
    };

    bool has_pending_change() const;

    Configuration guest_;
    Ticket last_ticket_ = 0;
    std::map<Ticket, Pending> pending_;
    std::vector<Serial> last_serials_;
};

// The blocker for a command line that ArgumentModel::parse refuses.
Blocker unreadable_command_line(const Text& reason);

}  // namespace cpr::controller::qemu

#endif
