// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_PLUGGED_CHARDEVS_H
#define CPR_CONTROLLER_QEMU_PLUGGED_CHARDEVS_H

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "controller/chardev/character_devices.h"
#include "controller/vmm_link.h"

namespace cpr::controller::qemu {

// Has the users of character devices that are plugged in while the guest runs end in the
// controller, as those of its start do: QEMU gets one end of a pair, by name, in the place of what
// libvirt has said.
class PluggedChardevs {
  public:
    // Sends QEMU a command of ours, after all that it has been sent.
    using Send = std::function<void(Message command)>;

    explicit PluggedChardevs(CharacterDevices& devices) : devices_(devices) {}
    void set_sender(Send send) { send_ = std::move(send); }

    // What a chardev-add has become.
    struct Plug {
        // The same as a start's command line would have it: with its end's number.
        nlohmann::json as_option;
        // The name of a descriptor that came over the monitor, which has been taken; or empty.
        std::string taken_name;
    };
    // Of a chardev-add that is on its way to QEMU and whose id is not in use. `passed` gives a
    // duplicate of a descriptor that came over the monitor by that name, or nothing. Nothing is
    // done if QEMU has to have the device as it is, or what it is on cannot be opened: QEMU then
    // says why.
    std::optional<Plug> plug(nlohmann::json& command,
                             const std::function<UniqueFd(const std::string& name)>& passed);
    // Whether that has been done for one that has no answer yet.
    bool plugging(const std::string& id) const { return under_way_.contains(id); }
    // Of any command that names a character device.
    void on_answer(const std::string& command, const std::string& id, nlohmann::json& answer);

  private:
    void finish_plug(const std::string& id, nlohmann::json& answer);

    CharacterDevices& devices_;
    Send send_;
    // By id, the name under which QEMU gets its end, if that is ours to take back.
    std::map<std::string, std::string> under_way_;
};

}  // namespace cpr::controller::qemu

#endif
