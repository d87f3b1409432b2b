// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_PLAN_H
#define CPR_CONTROLLER_CHARDEV_PLAN_H

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "base/unique_fd.h"
#include "controller/chardev/relayed_device.h"
#include "controller/qemu/argument_model.h"

namespace cpr::controller {

// A character device that the next QEMU would not carry on, by its id, or by its option if it has
// none, and why.
struct NotKeptDevice {
    std::string id;
    Text reason;

    bool operator==(const NotKeptDevice&) const = default;
};

// What becomes of a guest's character devices. Devices in neither list can stay as they are: the
// next QEMU opens them as the first did. Owns the descriptors.
struct ChardevPlan {
    std::vector<RelayedDevice> relayed;
    std::vector<NotKeptDevice> not_kept;

    // QEMU's ends, which have to be open in QEMU under their numbers.
    std::vector<int> for_qemu() const;
    // All descriptors, which have to be open in the controller under their numbers.
    std::vector<int> for_controller() const;
};

// Makes the pairs of sockets, and puts QEMU's ends into the options -chardev. The sockets that
// libvirt passed become the plan's, and close-on-exec. Leaves libvirt's monitor alone. Throws
// Error; the command line is unchanged then.
ChardevPlan plan_chardevs(qemu::ArgumentModel& line);

// The same for an option that is plugged in while the guest runs, before anything uses it: nothing
// if QEMU has to have it as it is. Throws Error.
std::optional<RelayedDevice> plan_plugged(const qemu::Option& option);

// The same judgement on a guest that runs: which of its character devices the next QEMU would not
// carry on. Those that are relayed are known to the caller.
std::vector<NotKeptDevice> find_not_kept(
    const qemu::ArgumentModel& line,
    const std::function<bool(const qemu::Option& chardev)>& is_relayed);

// Puts other ends into a command line that plan_chardevs() has changed: those of the next QEMU, by
// id. Throws Error kInternal for an id that the command line does not have.
void set_qemu_ends(qemu::ArgumentModel& line, const std::map<std::string, UniqueFd>& ends);

}  // namespace cpr::controller

#endif
