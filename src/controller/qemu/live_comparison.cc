// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/live_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;
using Findings = std::vector<Blocker>;

std::string text_in(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<bool> flag_in(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_boolean() ? std::optional(found->get<bool>())
                                                        : std::nullopt;
}

json list_in(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_array() ? *found : json::array();
}

void differ(Findings& findings, const Text& what) {
    findings.push_back({kStateDiffersBlocker,
                        Text("the guest is not as its monitor's commands have made it: {}", what),
                        kRestartRemedy});
}

// Devices

// "child<e1000e>" gives "e1000e"; empty for what is no child.
std::string child_type(const json& entry) {
    constexpr std::string_view kBegin = "child<";
    const std::string type = text_in(entry, "type");
    if (!type.starts_with(kBegin) || !type.ends_with('>'))
        return {};
    return type.substr(kBegin.size(), type.size() - kBegin.size() - 1);
}

// "virtio-blk" is "virtio-blk-pci" on a machine with PCI.
bool is_type_of(const std::string& driver, const std::string& type) {
    return driver == type || (driver.starts_with("virtio-") && type == driver + "-pci");
}

void compare_devices(const ArgumentModel& line, const json& peripherals, Findings& findings) {
    std::set<std::string> there;
    for (const json& entry : peripherals) {
        const std::string id = text_in(entry, "name");
        const std::string type = child_type(entry);
        if (type.empty())
            continue;
        there.insert(id);
        const Option* device = line.find("device", id);
        if (!device)
            differ(findings, Text("the device '{}' ({}) is not known", id, type));
        else if (!is_type_of(device->value("driver"), type))
            differ(findings,
                   Text("the device '{}' is a {}, not a {}", id, type, device->value("driver")));
    }
    for (const Option* device : line.all("device"))
        if (!device->id().empty() && !there.contains(device->id()))
            differ(findings, Text("the device '{}' is not there", device->id()));
}

// Block nodes

void collect_names(const Object& value, std::set<std::string>& names, bool& nameless) {
    if (!value.is_object())
        return;
    if (value.contains("node-name") && value["node-name"].is_string())
        names.insert(value["node-name"].get<std::string>());
    else
        nameless = true;
    for (const auto& [key, member] : value.items())
        if (member.is_object() && member.contains("driver"))
            collect_names(member, names, nameless);
}

// Options for disks that QEMU makes nodes for itself, whose names it chooses.
bool has_old_disks(const ArgumentModel& line) {
    constexpr std::array<const char*, 10> kOld{"drive", "cdrom", "hda", "hdb", "hdc",
                                               "hdd",   "fda",   "fdb", "sd",  "pflash"};
    return std::ranges::any_of(kOld, [&](const char* name) { return line.has(name); });
}

void compare_children(const Option& option, const json& node, Findings& findings) {
    std::map<std::string, std::string> live;
    for (const json& child : list_in(node, "children"))
        live[text_in(child, "child")] = text_in(child, "node-name");
    for (const char* key : {"file", "backing"}) {
        // One that is written within the other has been looked at by its own name.
        if (option.object() && option.object()->contains(key) &&
            option.object()->at(key).is_object())
            continue;
        if (option.value(key) != live[key])
            differ(findings, Text("the block node '{}' has '{}' as its {}, not '{}'", option.id(),
                                  live[key], key, option.value(key)));
    }
}

void compare_node(const Option& option, const json& node, Findings& findings) {
    if (option.value("driver") != text_in(node, "drv"))
        differ(findings, Text("the block node '{}' has the driver {}, not {}", option.id(),
                              text_in(node, "drv"), option.value("driver")));
    const auto read_only = flag_in(node, "ro");
    if (read_only && option.get("read-only") && !option.is_on("auto-read-only") &&
        *read_only != option.is_on("read-only"))
        differ(findings, *read_only ? Text("the block node '{}' is read-only", option.id())
                                    : Text("the block node '{}' is not read-only", option.id()));
    // Since QEMU 10.1.
    if (node.contains("children"))
        compare_children(option, node, findings);
}

void find_losses(const std::string& name, const json& node, Findings& findings) {
    for (const json& bitmap : list_in(node, "dirty-bitmaps")) {
        const std::string bitmap_name = text_in(bitmap, "name");
        if (!bitmap_name.empty() && flag_in(bitmap, "persistent") == false)
            findings.push_back({kBitmapBlocker,
                                Text("the bitmap '{}' of the disk '{}' is not persistent, "
                                     "and would be lost",
                                     bitmap_name, name),
                                N_("wait for the end of what uses it, or remove it")});
    }
    if (flag_in(node, "active") == false)
        findings.push_back(
            {kInactiveBlocker, Text("the disk '{}' is not active", name), N_("activate it")});
}

void compare_nodes(const ArgumentModel& line, const json& nodes, Findings& findings) {
    std::set<std::string> known;
    bool nameless = has_old_disks(line);
    for (const Option* option : line.all("blockdev")) {
        if (option->object())
            collect_names(*option->object(), known, nameless);
        known.insert(option->id());
    }
    std::set<std::string> there;
    for (const json& node : nodes) {
        const std::string name = text_in(node, "node-name");
        there.insert(name);
        find_losses(name, node, findings);
        if (const Option* option = line.find("blockdev", name))
            compare_node(*option, node, findings);
        else if (!known.contains(name) && !(nameless && name.starts_with('#')))
            differ(findings, Text("the block node '{}' is not known", name));
    }
    for (const Option* option : line.all("blockdev"))
        if (!there.contains(option->id()))
            differ(findings, Text("the block node '{}' is not there", option->id()));
}

// Disks

// "/machine/peripheral/disk0/virtio-backend" and "disk0" give "disk0"; empty for a device without
// an id.
std::string device_of_path(const std::string& path) {
    constexpr std::string_view kFolder = "/machine/peripheral/";
    if (!path.starts_with('/'))
        return path;
    if (!path.starts_with(kFolder))
        return {};
    const std::string rest = path.substr(kFolder.size());
    return rest.substr(0, rest.find('/'));
}

void compare_disks(const ArgumentModel& line, const json& disks, Findings& findings) {
    std::map<std::string, std::string> live;
    for (const json& disk : disks) {
        const std::string id = device_of_path(text_in(disk, "qdev"));
        if (!id.empty())
            live[id] =
                disk.contains("inserted") ? text_in(disk["inserted"], "node-name") : std::string();
    }
    for (const Option* device : line.all("device")) {
        const std::string drive = device->value("drive");
        // The node of a -drive has a name of QEMU's.
        if (device->id().empty() || line.find("drive", drive))
            continue;
        const auto found = live.find(device->id());
        const std::string node = found == live.end() ? std::string() : found->second;
        if (node != drive)
            differ(findings,
                   Text("the device '{}' has the disk '{}', not '{}'", device->id(), node, drive));
    }
}

}  // namespace

std::vector<Blocker> compare_with_live(const ArgumentModel& line, const LiveAnswers& live) {
    Findings findings;
    for (const json* answer : {&live.peripherals, &live.nodes, &live.disks})
        if (!answer->is_array())
            differ(findings, N_("QEMU's answer is no list"));
    if (!findings.empty())
        return findings;
    compare_devices(line, live.peripherals, findings);
    compare_nodes(line, live.nodes, findings);
    compare_disks(line, live.disks, findings);
    return findings;
}

}  // namespace cpr::controller::qemu
