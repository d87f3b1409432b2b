// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/character_devices.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

std::unique_ptr<Pump> open_device(EventLoop& loop, RelayedDevice device) {
    try {
        auto outer = open_outer_end(loop, std::move(device.passed), device);
        return std::make_unique<Pump>(loop, std::move(device.pair), std::move(outer));
    } catch (const Error& error) {
        throw error.within(Text("character device '{}'", device.id));
    }
}

}  // namespace

CharacterDevices::CharacterDevices(EventLoop& loop, ChardevPlan plan) : loop_(loop) {
    for (RelayedDevice& device : plan.relayed)
        add(std::move(device));
}

void CharacterDevices::add(RelayedDevice device) {
    const std::string id = device.id;
    const std::string label = device.label();
    devices_[id] = {label, open_device(loop_, std::move(device))};
}

CharacterDevices::~CharacterDevices() = default;

std::optional<std::string> CharacterDevices::outer_name(const std::string& id) const {
    const auto found = devices_.find(id);
    return found == devices_.end() ? std::nullopt : std::optional(found->second.pump->outer_name());
}

void CharacterDevices::edit_query_chardev(json& answer) const {
    const auto list = answer.is_object() ? answer.find("return") : answer.end();
    if (!answer.is_object() || list == answer.end() || !list->is_array())
        return;
    for (json& entry : *list) {
        if (!entry.is_object() || !entry.contains("label"))
            continue;
        const auto found = std::ranges::find_if(
            devices_, [&](const auto& named) { return entry["label"] == named.second.label; });
        if (found != devices_.end())
            entry["filename"] = found->second.pump->outer_name();
    }
}

std::map<std::string, UniqueFd> CharacterDevices::make_next() {
    std::map<std::string, UniqueFd> ends;
    for (auto& [id, device] : devices_)
        ends[id] = device.pump->make_next();
    return ends;
}

void CharacterDevices::hold() {
    for (auto& [id, device] : devices_)
        device.pump->hold();
}

void CharacterDevices::switch_over() {
    for (const auto& [id, device] : devices_)
        if (!device.pump->has_next())
            throw Error(ErrorCode::kInvalidState, "no QEMU has been prepared to take over '{}'",
                        id);
    for (auto& [id, device] : devices_)
        device.pump->switch_over();
}

void CharacterDevices::go_on_with_old() {
    for (auto& [id, device] : devices_)
        device.pump->go_on_with_old();
}

}  // namespace cpr::controller
