// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/plan_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/json_number.h"
#include "base/text_json.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

template <typename Value>
using Names = std::array<std::pair<std::string_view, Value>, 3>;

constexpr Names<OuterKind> kKinds{
    {{"pty", OuterKind::kPty}, {"server", OuterKind::kServer}, {"client", OuterKind::kClient}}};
constexpr Names<IpVersion> kVersions{
    {{"any", IpVersion::kAny}, {"ipv4", IpVersion::kFour}, {"ipv6", IpVersion::kSix}}};

[[noreturn]] void refuse(std::string_view what) {
    throw Error(ErrorCode::kInvalidArgument, "the plan of the character devices has no usable '{}'",
                what);
}

template <typename Value>
std::string_view name_of(const Names<Value>& names, Value value) {
    return std::ranges::find(names, value, &std::pair<std::string_view, Value>::second)->first;
}

const json& member(const json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    if (!object.is_object() || found == object.end())
        refuse(key);
    return *found;
}

std::string text_in(const json& object, const char* key) {
    const json& value = member(object, key);
    if (!value.is_string())
        refuse(key);
    return value.get<std::string>();
}

Text reason_in(const json& object) {
    text_in(object, "reason");
    return cpr::text_in(object, "reason");
}

bool flag_in(const json& object, const char* key) {
    const json& value = member(object, key);
    if (!value.is_boolean())
        refuse(key);
    return value.get<bool>();
}

template <typename Value>
Value named_in(const Names<Value>& names, const json& object, const char* key) {
    const std::string name = text_in(object, key);
    const auto found = std::ranges::find(names, name, &std::pair<std::string_view, Value>::first);
    if (found == names.end())
        refuse(key);
    return found->second;
}

UniqueFd descriptor_in(const json& object, const char* key) {
    const auto number = integer_in<int>(member(object, key));
    if (!number || *number < 0)
        refuse(key);
    set_cloexec(*number, true);
    return UniqueFd(*number);
}

const json& list_in(const json& object, const char* key) {
    const json& value = member(object, key);
    if (!value.is_array())
        refuse(key);
    return value;
}

json device_json(const RelayedDevice& device) {
    json object{{"id", device.id},
                {"kind", name_of(kKinds, device.kind)},
                {"mux", device.mux},
                {"ours", device.pair.ours.get()},
                {"qemus", device.pair.qemus.get()},
                {"path", device.address.path},
                {"host", device.address.host},
                {"port", device.address.port},
                {"ip", name_of(kVersions, device.address.version)},
                {"nodelay", device.address.nodelay}};
    if (device.passed)
        object["passed"] = device.passed.get();
    return object;
}

RelayedDevice device_from(const json& object) {
    RelayedDevice device;
    device.id = text_in(object, "id");
    device.kind = named_in(kKinds, object, "kind");
    device.mux = flag_in(object, "mux");
    device.address = {text_in(object, "path"), text_in(object, "host"), text_in(object, "port"),
                      named_in(kVersions, object, "ip"), flag_in(object, "nodelay")};
    device.pair.ours = descriptor_in(object, "ours");
    device.pair.qemus = descriptor_in(object, "qemus");
    if (object.contains("passed"))
        device.passed = descriptor_in(object, "passed");
    return device;
}

}  // namespace

json to_json(const ChardevPlan& plan) {
    json result{{"relayed", json::array()}, {"not-kept", json::array()}};
    for (const RelayedDevice& device : plan.relayed)
        result["relayed"].push_back(device_json(device));
    for (const NotKeptDevice& device : plan.not_kept) {
        result["not-kept"].push_back({{"id", device.id}});
        put_text(result["not-kept"].back(), "reason", device.reason);
    }
    return result;
}

ChardevPlan chardev_plan_from(const json& written) {
    ChardevPlan plan;
    for (const auto& object : list_in(written, "relayed"))
        plan.relayed.push_back(device_from(object));
    for (const auto& object : list_in(written, "not-kept"))
        plan.not_kept.push_back({text_in(object, "id"), reason_in(object)});
    return plan;
}

}  // namespace cpr::controller
