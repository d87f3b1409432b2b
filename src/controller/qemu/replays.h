// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_REPLAYS_H
#define CPR_CONTROLLER_QEMU_REPLAYS_H

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cpr::controller::qemu {

// Settings of the running guest that no command line has: the commands that the next QEMU gets
// before the guest is resumed. Of those for one key the last is kept, and all are in the order in
// which they were last given.
class Replays {
  public:
    // `subject` is what the setting belongs to, such as "device/net0"; empty for the guest itself.
    void set(const std::string& command, const nlohmann::json& arguments, const std::string& key,
             const std::string& subject);
    // The subject is gone, and its settings with it.
    void drop(const std::string& subject);
    // {"execute": ..., "arguments": ...}
    std::vector<nlohmann::json> all() const;

  private:
    struct Entry {
        std::string key;
        std::string subject;
        nlohmann::json command;
    };

    std::vector<Entry> entries_;
};

// What a QOM path belongs to: "device/ID" or "object/ID"; empty for anything else.
std::string subject_of_path(const std::string& path);

}  // namespace cpr::controller::qemu

#endif
