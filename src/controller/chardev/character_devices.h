// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_CHARACTER_DEVICES_H
#define CPR_CONTROLLER_CHARDEV_CHARACTER_DEVICES_H

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/chardev/plan.h"
#include "controller/chardev/pump.h"

namespace cpr::controller {

// A guest's consoles and channels, whose users stay connected while one QEMU takes over from
// another. Ends with the guest: what it wrote is then sent on as far as it is taken at once, and
// the users are disconnected. On the event loop's thread.
//
// An update: make_next(), and later hold(), before the guest's state is saved; then switch_over(),
// or go_on_with_old() if the update failed, at any time and also without the others before it.
class CharacterDevices {
  public:
    // Opens the outer ends, and begins. Throws Error, which names the device.
    CharacterDevices(EventLoop& loop, ChardevPlan plan);
    ~CharacterDevices();

    // One that is plugged in. Throws Error, which names it.
    void add(RelayedDevice device);
    // One that is unplugged; its user is disconnected. Does nothing for one that is not relayed.
    void remove(const std::string& id) { devices_.erase(id); }
    bool has(const std::string& id) const { return devices_.contains(id); }

    // What a QEMU that had the device's original option would call it: "pty:/dev/pts/5". Nothing
    // for a device that is not relayed.
    std::optional<std::string> outer_name(const std::string& id) const;
    // Puts such names into QEMU's answer to query-chardev.
    void edit_query_chardev(nlohmann::json& answer) const;

    // The ends of the next QEMU by id, in the place of those of an earlier call. Throws Error.
    std::map<std::string, UniqueFd> make_next();
    // From now on QEMU gets nothing, not even what it has been sent and has not read; the guest's
    // output goes on.
    void hold();
    // The old QEMU reads and writes no more. What it wrote goes outside, what it has not read goes
    // to the next one, and then that has the devices. Throws Error kInvalidState without
    // make_next().
    void switch_over();
    // The next QEMU's ends are closed, and the old one gets what waited.
    void go_on_with_old();

  private:
    struct Device {
        std::string label;
        std::unique_ptr<Pump> pump;
    };

    EventLoop& loop_;
    std::map<std::string, Device> devices_;
};

}  // namespace cpr::controller

#endif
