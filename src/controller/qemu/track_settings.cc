// SPDX-License-Identifier: LGPL-2.1-or-later
// Settings that are kept by giving them again, and the human monitor.
#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <string_view>

#include "base/error.h"
#include "controller/qemu/configuration.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

// Properties that libvirt sets on a running guest: setting them again does nothing else.
constexpr std::array<std::string_view, 11> kSettable{
    "aio-max-batch",  "guest-stats-polling-interval",
    "id-list",        "limits",
    "poll-grow",      "poll-max-ns",
    "poll-shrink",    "poll-weight",
    "requested-size", "thread-pool-max",
    "thread-pool-min"};

// An update sets these itself.
constexpr std::array<std::string_view, 2> kUpdatesOwn{"mode", "cpr-exec-command"};

constexpr std::array<std::string_view, 8> kReadOnlyWords{"info", "help", "?",  "print",
                                                         "p",    "x",    "xp", "sum"};

template <size_t N>
bool is_in(const std::array<std::string_view, N>& list, std::string_view text) {
    return std::ranges::find(list, text) != list.end();
}

std::string take_word(std::string_view& text) {
    const size_t start = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(start);
    const size_t end = std::min(text.find_first_of(" \t"), text.size());
    std::string word(text.substr(0, end));
    text.remove_prefix(end);
    return word;
}

// "drive_add 0 if=none,id=d,..." answers "OK".
void add_drive(Configuration& guest, std::string_view rest, const json& result) {
    take_word(rest);
    const std::string drive = take_word(rest);
    if (!result.is_string() || result.get<std::string>().find("OK") == std::string::npos)
        return;
    if (drive.empty() || !take_word(rest).empty())
        throw Error(ErrorCode::kUnsupported, "drive_add has arguments that are not known");
    guest.line.append(Option::make("drive", drive));
}

}  // namespace

void track_qom_set(Configuration& guest, const Exchange& exchange) {
    const std::string path = text_of(exchange.arguments, "path");
    const std::string property = text_of(exchange.arguments, "property");
    const std::string subject = subject_of_path(path);
    if (is_in(kSettable, property)) {
        guest.replays.set(exchange.command, exchange.arguments, path + ' ' + property, subject);
        return;
    }
    note_irreproducible(guest, fmt::format("{}/qom-set/{}", subject, property),
                        Text("the property '{}' of {} was set by qom-set", property, path));
}

// "+30" counts from when it was said.
void track_expire_password(Configuration& guest, const Exchange& exchange) {
    json arguments = exchange.arguments;
    const std::string time = text_of(arguments, "time");
    if (time.starts_with('+')) {
        long long seconds = 0;
        const char* end = time.data() + time.size();
        const auto read = std::from_chars(time.data() + 1, end, seconds);
        if (read.ec != std::errc() || read.ptr != end)
            throw Error(ErrorCode::kUnsupported, "the time '{}' is not understood", time);
        arguments["time"] = std::to_string(std::time(nullptr) + seconds);
    }
    guest.replays.set(exchange.command, arguments, text_of(arguments, "protocol"), "");
}

void track_set_action(Configuration& guest, const Exchange& exchange) {
    for (const auto& [what, action] : exchange.arguments.items())
        guest.replays.set("set-action", {{what, action}}, what, "");
}

void track_capabilities(Configuration& guest, const Exchange& exchange) {
    for (const json& capability : exchange.arguments.value("capabilities", json::array()))
        guest.replays.set(exchange.command, {{"capabilities", json::array({capability})}},
                          text_of(capability, "capability"), "");
}

void track_parameters(Configuration& guest, const Exchange& exchange) {
    for (const auto& [name, value] : exchange.arguments.items())
        if (!is_in(kUpdatesOwn, name))
            guest.replays.set(exchange.command, {{name, value}}, name, "");
}

void track_human_monitor(Configuration& guest, const Exchange& exchange) {
    const std::string text = text_of(exchange.arguments, "command-line");
    std::string_view rest = text;
    const std::string word = take_word(rest);
    if (word.empty() || is_in(kReadOnlyWords, word))
        return;
    // Snapshots inside of images leave the configuration as it is.
    if (word == "savevm" || word == "loadvm" || word == "delvm")
        return;
    if (word == "drive_add")
        return add_drive(guest, rest, exchange.result);
    if (word == "drive_del") {
        guest.line.erase("drive", take_word(rest));
        return;
    }
    guest.blockers.set(
        "human-monitor/" + word,
        {kHumanMonitorBlocker,
         Text("the guest was changed by the human monitor's command '{}'", word), kRestartRemedy});
}

}  // namespace cpr::controller::qemu
