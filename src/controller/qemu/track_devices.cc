// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices, and what stands behind them other than disks.
#include "base/error.h"
#include "controller/qemu/chardev_arguments.h"
#include "controller/qemu/configuration.h"
#include "controller/qemu/shared_memory.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

// An address of the kind that names a descriptor inside of a property.
bool has_inner_descriptor(const json& value) {
    if (!value.is_structured())
        return false;
    if (value.is_object() && text_of(value, "type") == "fd")
        return true;
    for (const json& member : value)
        if (has_inner_descriptor(member))
            return true;
    return false;
}

// `kind` and the option's id are the beginning of the blocker's key.
void append_taking_descriptors(Configuration& guest, Option option) {
    const std::string key = fmt::format("{}/{}/", option.name(), option.id());
    const Option& added = guest.line.append(std::move(option));
    if (const auto unknown = guest.descriptors.take(added))
        guest.blockers.set(key + "fd", {kDescriptorBlocker,
                                        Text("{} has the descriptor '{}', which did not "
                                             "come over the monitor by that name",
                                             added.describe(), *unknown),
                                        N_("unplug it")});
}

void append_json(Configuration& guest, std::string_view name, const json& arguments) {
    append_taking_descriptors(guest, Option::make_json(name, to_object(arguments)));
    for (const auto& [key, value] : arguments.items())
        if (has_inner_descriptor(value))
            note_irreproducible(guest, fmt::format("{}/{}/inner", name, text_of(arguments, "id")),
                                Text("-{} with '{}' is on a descriptor", name, key));
}

void remove(Configuration& guest, std::string_view name, const std::string& id) {
    guest.line.erase(name, id);
    guest.descriptors.release(name, id);
    guest.blockers.clear_all(fmt::format("{}/{}/", name, id));
    guest.replays.drop(fmt::format("{}/{}", name, id));
}

}  // namespace

void track_device_add(Configuration& guest, const Exchange& exchange) {
    append_json(guest, "device", exchange.arguments);
    // Nobody could say later that it is gone.
    if (text_of(exchange.arguments, "id").empty())
        note_irreproducible(guest, "device-without-id",
                            Text("the device {} was plugged in without an id",
                                 text_of(exchange.arguments, "driver")));
}

void track_device_deleted(Configuration& guest, const std::string& id) {
    const Option* device = guest.line.find("device", id);
    // QEMU drops a -drive with its device.
    const std::string drive = device ? device->value("drive") : std::string();
    remove(guest, "device", id);
    guest.line.erase("drive", drive);
}

void track_netdev_add(Configuration& guest, const Exchange& exchange) {
    append_json(guest, "netdev", exchange.arguments);
}

void track_netdev_del(Configuration& guest, const Exchange& exchange) {
    const std::string id = text_of(exchange.arguments, "id");
    remove(guest, "netdev", id);
    // set_link takes either name.
    guest.replays.drop("device/" + id);
}

void track_object_add(Configuration& guest, const Exchange& exchange) {
    append_json(guest, "object", exchange.arguments);
    Object shared = to_object(exchange.arguments);
    const Object before = shared;
    auto blocker = share_added_memory(shared, {});
    if (!blocker && shared != before)
        blocker = Blocker{kMemoryBlocker,
                          Text("the memory '{}' was plugged in without being shared",
                               text_of(exchange.arguments, "id")),
                          N_("unplug it, and plug it in again")};
    if (blocker)
        guest.blockers.set(fmt::format("object/{}/memory", text_of(exchange.arguments, "id")),
                           *blocker);
}

void track_object_del(Configuration& guest, const Exchange& exchange) {
    remove(guest, "object", text_of(exchange.arguments, "id"));
}

void track_chardev_add(Configuration& guest, const Exchange& exchange) {
    const std::string id = text_of(exchange.arguments, "id");
    try {
        Option option = chardev_option(exchange.arguments);
        // QEMU takes one by its name only: a number is that of an end of the controller's.
        if (numbers_of(option).empty())
            append_taking_descriptors(guest, std::move(option));
        else
            guest.line.append(std::move(option));
    } catch (const Error& error) {
        note_irreproducible(guest, fmt::format("chardev/{}/form", id), error.text());
    }
}

void track_chardev_remove(Configuration& guest, const Exchange& exchange) {
    remove(guest, "chardev", text_of(exchange.arguments, "id"));
}

void track_chardev_change(Configuration& guest, const Exchange& exchange) {
    track_chardev_remove(guest, exchange);
    track_chardev_add(guest, exchange);
}

}  // namespace cpr::controller::qemu
