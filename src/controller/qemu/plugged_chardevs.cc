// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/plugged_chardevs.h"

#include <fmt/core.h>

#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "controller/qemu/chardev_arguments.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

constexpr std::string_view kPty = "pty:";

Message named_descriptor(const char* command, const std::string& name) {
    return {{{"execute", command}, {"arguments", {{"fdname", name}}}}, {}};
}

// What goes to QEMU's log stays QEMU's.
json backend_on(const std::string& descriptor, const Option& option) {
    json data{{"addr", {{"type", "fd"}, {"data", {{"str", descriptor}}}}}, {"server", false}};
    if (const auto path = option.get("logfile"))
        data["logfile"] = *path;
    if (option.get("logappend"))
        data["logappend"] = option.is_on("logappend");
    return {{"type", "socket"}, {"data", std::move(data)}};
}

}  // namespace

std::optional<PluggedChardevs::Plug> PluggedChardevs::plug(
    json& command, const std::function<UniqueFd(const std::string& name)>& passed) {
    if (!send_)
        return std::nullopt;
    try {
        Option option = chardev_option(command.value("arguments", json::object()));
        const std::string id = option.id();
        const std::string taken = option.value("fd");
        UniqueFd socket = taken.empty() ? UniqueFd() : passed(taken);
        if (!taken.empty() && !socket)
            return std::nullopt;
        if (socket)
            option.set("fd", std::to_string(socket.get()));
        auto device = plan_plugged(option);
        if (!device)
            return std::nullopt;
        socket.release();
        // In the place of one that libvirt has given: QEMU closes that.
        const std::string name = taken.empty() ? "libvirt-cpr-" + id : taken;
        Message end = named_descriptor("getfd", name);
        end.fds.push_back(device->pair.qemus.dup());
        Plug plug{command, taken};
        plug.as_option["arguments"]["backend"] =
            backend_on(std::to_string(device->pair.qemus.get()), option);
        devices_.add(std::move(*device));
        send_(std::move(end));
        command["arguments"]["backend"] = backend_on(name, option);
        under_way_[id] = taken.empty() ? name : "";
        return plug;
    } catch (const Error& error) {
        log::warning("a character device that is plugged in ends in QEMU: {}", error.message());
        return std::nullopt;
    }
}

void PluggedChardevs::on_answer(const std::string& command, const std::string& id, json& answer) {
    if (command == "chardev-add")
        finish_plug(id, answer);
    else if ((command == "chardev-remove" || command == "chardev-change") &&
             answer.contains("return"))
        devices_.remove(id);
}

void PluggedChardevs::finish_plug(const std::string& id, json& answer) {
    const auto plug = under_way_.extract(id);
    if (!plug)
        return;
    if (!answer.contains("return")) {
        devices_.remove(id);
        if (!plug.mapped().empty())
            send_(named_descriptor("closefd", plug.mapped()));
        return;
    }
    const std::string name = devices_.outer_name(id).value_or("");
    if (name.starts_with(kPty))
        answer["return"]["pty"] = name.substr(kPty.size());
}

}  // namespace cpr::controller::qemu
