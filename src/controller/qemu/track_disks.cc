// SPDX-License-Identifier: LGPL-2.1-or-later
// The graph of block nodes, and the media of devices.
#include "base/error.h"
#include "controller/qemu/block_graph.h"
#include "controller/qemu/command_rules.h"
#include "controller/qemu/configuration.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

std::string bitmap_key(const json& arguments) {
    return fmt::format("node/{}/bitmap/{}", text_of(arguments, "node"), text_of(arguments, "name"));
}

// The device that a medium is in; commands may name it by other means, which QEMU deprecates.
Option& device_of(Configuration& guest, const Exchange& exchange) {
    const std::string id = text_of(exchange.arguments, "id");
    if (Option* device = guest.line.find("device", id))
        return *device;
    throw Error(ErrorCode::kUnsupported, "{} is for a device other than one of -device: '{}'",
                exchange.command, id.empty() ? text_of(exchange.arguments, "device") : id);
}

// What cannot be followed in one action of a transaction does not hide the others.
void track_action(Configuration& guest, const json& action) {
    static const json kNothing = json::object();
    const std::string type = action.is_object() ? text_of(action, "type") : "";
    json data = action.is_object() ? action.value("data", json::object()) : json::object();
    if (!data.is_object())
        data = json::object();
    apply_command(guest, {type, data, kNothing, {}});
}

}  // namespace

void track_blockdev_add(Configuration& guest, const Exchange& exchange) {
    guest.line.append(Option::make_json("blockdev", to_object(exchange.arguments)));
    if (text_of(exchange.arguments, "node-name").empty())
        throw Error(ErrorCode::kUnsupported, "a block node was added without a name");
}

void track_blockdev_del(Configuration& guest, const Exchange& exchange) {
    const std::string node = text_of(exchange.arguments, "node-name");
    const bool known = guest.line.erase("blockdev", node) > 0;
    guest.blockers.clear_all(fmt::format("node/{}/", node));
    guest.replays.drop("node/" + node);
    if (!known)
        throw Error(ErrorCode::kUnsupported, "the block node '{}', which was removed, is not known",
                    node);
}

void track_blockdev_reopen(Configuration& guest, const Exchange& exchange) {
    const json options = exchange.arguments.value("options", json::array());
    for (const json& node : options)
        block_node(guest.line, text_of(node, "node-name")).replace(to_object(node));
}

void track_blockdev_set_active(Configuration& guest, const Exchange& exchange) {
    const std::string node = text_of(exchange.arguments, "node-name");
    const std::string key = fmt::format("node/{}/inactive", node);
    guest.blockers.clear(key);
    if (node.empty())
        guest.blockers.clear_all("inactive");
    if (!flag_of(exchange.arguments, "active"))
        guest.blockers.set(
            node.empty() ? "inactive" : key,
            {kInactiveBlocker, Text("the disk '{}' is not active (blockdev-set-active)", node),
             N_("activate it")});
}

void track_snapshot(Configuration& guest, const Exchange& exchange) {
    insert_overlay(guest.line, text_of(exchange.arguments, "node"),
                   text_of(exchange.arguments, "overlay"));
}

void track_transaction(Configuration& guest, const Exchange& exchange) {
    for (const json& action : exchange.arguments.value("actions", json::array()))
        track_action(guest, action);
}

void track_bitmap_add(Configuration& guest, const Exchange& exchange) {
    if (flag_of(exchange.arguments, "persistent"))
        return;
    guest.blockers.set(
        bitmap_key(exchange.arguments),
        {kBitmapBlocker,
         Text("the bitmap '{}' of the disk '{}' is not persistent, and would "
              "be lost",
              text_of(exchange.arguments, "name"), text_of(exchange.arguments, "node")),
         N_("wait for the end of what uses it, or remove it")});
}

void track_bitmap_remove(Configuration& guest, const Exchange& exchange) {
    guest.blockers.clear(bitmap_key(exchange.arguments));
}

void track_remove_medium(Configuration& guest, const Exchange& exchange) {
    device_of(guest, exchange).erase("drive");
}

void track_insert_medium(Configuration& guest, const Exchange& exchange) {
    const std::string node = text_of(exchange.arguments, "node-name");
    block_node(guest.line, node);
    device_of(guest, exchange).set("drive", node);
}

// The size of the image is in the image; that of a window into one is an option.
void track_block_resize(Configuration& guest, const Exchange& exchange) {
    Option* node = guest.line.find("blockdev", text_of(exchange.arguments, "node-name"));
    if (node && node->get("size"))
        node->set("size", to_object(exchange.arguments.value("size", json())));
}

}  // namespace cpr::controller::qemu
