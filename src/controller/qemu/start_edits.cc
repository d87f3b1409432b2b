// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/start_edits.h"

#include <algorithm>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

// Whether something speaks QMP on the character device.
bool is_control_monitor(const Option& option) {
    if (option.value("chardev") != kMonitorChardev)
        return false;
    if (option.name() == "mon")
        return option.value("mode") == "control";
    return option.name() == "object" && option.value("qom-type") == "monitor-qmp";
}

size_t count_monitors(const ArgumentModel& model) {
    size_t count = 0;
    for (const char* name : {"mon", "object"})
        count += static_cast<size_t>(std::ranges::count_if(
            model.all(name), [](const Option* option) { return is_control_monitor(*option); }));
    return count;
}

Option make_channel(const CprChannel& channel) {
    Object socket{{"transport", "socket"}};
    if (const int* fd = std::get_if<int>(&channel.socket)) {
        socket["type"] = "fd";
        socket["str"] = std::to_string(*fd);
    } else {
        socket["type"] = "unix";
        socket["path"] = std::get<std::string>(channel.socket);
    }
    return Option::make_json("incoming", {{"channel-type", "cpr"}, {"addr", socket}});
}

}  // namespace

void set_private_monitor(ArgumentModel& model, int fd) {
    Option* chardev = nullptr;
    for (Option* option : model.all("chardev")) {
        if (option->id() != kMonitorChardev)
            continue;
        if (chardev)
            throw Error(ErrorCode::kInvalidArgument, "there are two character devices {}",
                        kMonitorChardev);
        chardev = option;
    }
    if (!chardev || count_monitors(model) != 1)
        throw Error(ErrorCode::kInvalidArgument,
                    "the command line has no monitor that libvirt made: a character device {} and "
                    "one -mon or -object monitor-qmp with it",
                    kMonitorChardev);
    const Option private_one =
        Option::make("chardev", fmt::format("socket,id={},fd={}", kMonitorChardev, fd));
    model.insert_before(*chardev, private_one);
    model.erase(*chardev);
}

void set_incoming(ArgumentModel& model) {
    // What it was started from is long past.
    model.erase_if([](const Option& option) {
        return option.name() == "incoming" || option.name() == "loadvm";
    });
    if (!model.has("S"))
        model.append(Option::make("S"));
    model.append(Option::make("incoming", "defer"));
}

void set_incoming(ArgumentModel& model, const CprChannel& channel) {
    set_incoming(model);
    model.append(make_channel(channel));
}

}  // namespace cpr::controller::qemu
