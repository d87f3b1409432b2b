// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/replays.h"

#include <array>
#include <string_view>
#include <utility>

namespace cpr::controller::qemu {

void Replays::set(const std::string& command, const nlohmann::json& arguments,
                  const std::string& key, const std::string& subject) {
    const std::string full_key = command + '/' + key;
    std::erase_if(entries_, [&](const Entry& entry) { return entry.key == full_key; });
    entries_.push_back({full_key, subject, {{"execute", command}, {"arguments", arguments}}});
}

void Replays::drop(const std::string& subject) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.subject == subject; });
}

std::vector<nlohmann::json> Replays::all() const {
    std::vector<nlohmann::json> all;
    for (const Entry& entry : entries_)
        all.push_back(entry.command);
    return all;
}

std::string subject_of_path(const std::string& path) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kFolders{
        {{"/machine/peripheral/", "device/"}, {"/objects/", "object/"}}};
    for (const auto& [folder, kind] : kFolders)
        if (path.starts_with(folder)) {
            const std::string rest = path.substr(folder.size());
            return std::string(kind) + rest.substr(0, rest.find('/'));
        }
    return {};
}

}  // namespace cpr::controller::qemu
