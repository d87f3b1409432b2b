// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "base/error.h"
#include "controller/chardev/frontends.h"
#include "controller/qemu/start_edits.h"

namespace cpr::controller {
namespace {

using qemu::ArgumentModel;
using qemu::Option;

// How libvirt names what it plugs in for bytes alone, after the device that uses it. What somebody
// has named (<alias>) may be used by anything.
constexpr std::array<std::string_view, 5> kForBytes{"charchannel", "charconsole", "charparallel",
                                                    "charrng", "charserial"};

constexpr std::string_view kLogIsTruncated =
    N_("its log begins anew with each QEMU (logappend is not on)");

struct Reason {
    std::string_view type;
    std::string_view reason;
};

constexpr std::string_view kBothRead =
    N_("two QEMUs would read from it for a while, and either could take what is the other's");
constexpr std::string_view kSpice = N_("it ends in a SPICE server, whose clients are QEMU's own");
constexpr std::string_view kInside = N_("what it holds is not in the state that QEMU hands over");

constexpr std::array kNotKept{
    Reason{"braille", kBothRead},
    Reason{"console", kBothRead},
    Reason{"dbus", N_("its D-Bus clients are connected to QEMU itself")},
    Reason{"memory", kInside},
    Reason{"msmouse", kInside},
    Reason{"parallel", kBothRead},
    Reason{"parport", kBothRead},
    Reason{"pipe", kBothRead},
    Reason{"ringbuf", kInside},
    Reason{"serial", kBothRead},
    Reason{"spiceport", kSpice},
    Reason{"spicevmc", kSpice},
    Reason{"stdio", kBothRead},
    Reason{"tty", kBothRead},
    Reason{"udp", N_("its port is taken until the first QEMU has ended")},
    Reason{"vc", kInside},
    Reason{"wctablet", kInside},
};

// Nothing of theirs is outside the guest's state.
constexpr std::array<std::string_view, 4> kStay{"null", "hub", "mux", "qemu-vdagent"};

// Opened by QEMU as a duplicate of what libvirt opened, and so not truncated.
bool is_descriptor_set(std::string_view path) {
    return path.starts_with("/dev/fdset/");
}

Text reason_for_file(const Option& option) {
    if (option.get("input-path"))
        return N_("the next QEMU would read its input from the beginning");
    if (!option.is_on("append") && !is_descriptor_set(option.value("path")))
        return N_("the next QEMU would empty the file (append is not on)");
    return {};
}

// Of a device that is not relayed; empty if the next QEMU opens it as the first did.
Text reason_for_staying(const Option& option) {
    const std::string type = option.value("backend");
    const std::string logfile = option.value("logfile");
    const auto* known = std::ranges::find(kNotKept, type, &Reason::type);
    if (known != kNotKept.end())
        return known->reason;
    if (type != "file" && std::ranges::find(kStay, type) == kStay.end())
        return Text("nothing is known of character devices of type '{}'", type);
    if (const Text reason = type == "file" ? reason_for_file(option) : Text(); !reason.empty())
        return reason;
    if (!logfile.empty() && !option.is_on("logappend") && !is_descriptor_set(logfile))
        return kLogIsTruncated;
    return {};
}

// QEMU waits for a client unless it is told not to.
bool waits_for_client(const Option& option) {
    return option.is_on("server") && (!option.get("wait") || option.is_on("wait"));
}

bool connects_again(const Option& option) {
    return std::ranges::any_of(std::array{"reconnect", "reconnect-ms"}, [&](const char* key) {
        return option.get(key).value_or("0") != "0";
    });
}

Text reason_for_socket(const Option& option) {
    for (const char* key : {"telnet", "tn3270", "websocket"})
        if (option.is_on(key))
            return Text("QEMU itself speaks {} with the client", key);
    if (option.get("tls-creds"))
        return N_("the client's TLS session is with QEMU itself");
    if (waits_for_client(option))
        return N_("QEMU waits for a client when it starts (wait is not off)");
    if (connects_again(option))
        return N_("QEMU itself connects it again (reconnect)");
    if (option.is_on("abstract"))
        return N_("abstract addresses are not supported");
    if (option.get("to"))
        return N_("a range of ports is not supported");
    if (!option.get("fd") && !option.get("path") && !(option.get("host") && option.get("port")))
        return N_("it has no address");
    return {};
}

std::optional<int> number_in(const std::string& text) {
    int number = -1;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end || number < 0)
        return std::nullopt;
    return number;
}

IpVersion ip_version(const Option& option) {
    const auto four = option.get("ipv4");
    const auto six = option.get("ipv6");
    const bool no_four = four && !option.is_on("ipv4");
    const bool no_six = six && !option.is_on("ipv6");
    if (option.is_on("ipv4") == option.is_on("ipv6") && no_four == no_six)
        return IpVersion::kAny;
    return option.is_on("ipv4") || no_six ? IpVersion::kFour : IpVersion::kSix;
}

// A device, or why it is none.
using Decision = std::variant<RelayedDevice, Text>;

Decision decide_socket(const Option& option) {
    if (Text reason = reason_for_socket(option); !reason.empty())
        return reason;
    RelayedDevice device;
    device.kind = option.is_on("server") ? OuterKind::kServer : OuterKind::kClient;
    device.address = {option.value("path"), option.value("host"), option.value("port"),
                      ip_version(option), option.is_on("nodelay")};
    if (!option.get("fd"))
        return device;
    const auto fd = number_in(option.value("fd"));
    if (!fd)
        return Text("its descriptor '{}' is no number", option.value("fd"));
    device.passed.reset(*fd);
    return device;
}

bool can_be_relayed(const Option& option) {
    const std::string type = option.value("backend");
    return type == "pty" || type == "socket";
}

// Of one that nothing uses that would be a reason against it.
Decision decide_unused(const Option& option) {
    if (!can_be_relayed(option))
        return reason_for_staying(option);
    Decision decision = RelayedDevice();
    if (option.value("backend") == "socket")
        decision = decide_socket(option);
    else
        std::get<RelayedDevice>(decision).address.path = option.value("path");
    if (auto* device = std::get_if<RelayedDevice>(&decision)) {
        device->id = option.id();
        device->mux = option.is_on("mux");
    }
    return decision;
}

Decision decide(const ArgumentModel& line, const Option& option) {
    Text reason = can_be_relayed(option) ? reason_against_relay(line, option.id()) : Text();
    return reason.empty() ? decide_unused(option) : Decision(std::move(reason));
}

// Over a terminal, nothing but bytes can be passed.
bool is_for_bytes(const Option& option) {
    return option.value("backend") == "pty" ||
           std::ranges::any_of(kForBytes, [id = option.id()](std::string_view name) {
               return id.starts_with(name);
           });
}

// Of a device of a running guest that is not relayed.
Text reason_now(const ArgumentModel& line, const Option& option) {
    if (!can_be_relayed(option))
        return reason_for_staying(option);
    Text reason = reason_against_relay(line, option.id());
    if (reason.empty() && option.value("backend") == "socket")
        reason = reason_for_socket(option);
    if (reason.empty() && !is_for_bytes(option))
        reason = N_("it was plugged in under a name (<alias>) that does not tell what it is for");
    return reason.empty() ? Text("it was added while the guest ran, and its users are QEMU's own")
                          : reason;
}

// Options of old times, which make a character device of their own.
void note_unnamed(const ArgumentModel& line, std::vector<NotKeptDevice>& not_kept) {
    for (const char* name : {"serial", "parallel", "debugcon"})
        for (const Option* option : line.all(name)) {
            const std::string argument = option->argument();
            if (argument != "none" && argument != "null" && !argument.starts_with("chardev:"))
                not_kept.push_back({option->describe(), N_("it is not given by -chardev")});
        }
}

Option relayed_option(const Option& original, int fd) {
    Option option = Option::make(
        "chardev", fmt::format("socket,id={},fd={}", qemu::escape_commas(original.id()), fd));
    for (const char* key : {"logfile", "logappend", "mux"})
        if (const auto value = original.get(key))
            option.set(key, *value);
    return option;
}

}  // namespace

std::vector<int> ChardevPlan::for_qemu() const {
    std::vector<int> numbers;
    for (const RelayedDevice& device : relayed)
        numbers.push_back(device.pair.qemus.get());
    return numbers;
}

std::vector<int> ChardevPlan::for_controller() const {
    std::vector<int> numbers = for_qemu();
    for (const RelayedDevice& device : relayed) {
        numbers.push_back(device.pair.ours.get());
        if (device.passed)
            numbers.push_back(device.passed.get());
    }
    return numbers;
}

std::optional<RelayedDevice> plan_plugged(const Option& option) {
    if (!is_for_bytes(option))
        return std::nullopt;
    Decision decision = decide_unused(option);
    auto* device = std::get_if<RelayedDevice>(&decision);
    if (!device)
        return std::nullopt;
    device->pair = StreamPair::make();
    return std::move(*device);
}

std::vector<NotKeptDevice> find_not_kept(
    const ArgumentModel& line, const std::function<bool(const Option& chardev)>& is_relayed) {
    std::vector<NotKeptDevice> found;
    for (const Option* option : line.all("chardev")) {
        if (option->id() == qemu::kMonitorChardev || is_relayed(*option))
            continue;
        if (Text reason = reason_now(line, *option); !reason.empty())
            found.push_back({option->id(), std::move(reason)});
    }
    note_unnamed(line, found);
    return found;
}

ChardevPlan plan_chardevs(ArgumentModel& line) {
    ChardevPlan plan;
    std::vector<const Option*> replaced;
    for (const Option* option : line.all("chardev")) {
        if (option->id() == qemu::kMonitorChardev)
            continue;
        Decision decision = decide(line, *option);
        if (auto* device = std::get_if<RelayedDevice>(&decision)) {
            device->pair = StreamPair::make();
            if (device->passed)
                set_cloexec(device->passed.get(), true);
            plan.relayed.push_back(std::move(*device));
            replaced.push_back(option);
        } else if (const auto& reason = std::get<Text>(decision); !reason.empty()) {
            plan.not_kept.push_back({option->id(), reason});
        }
    }
    note_unnamed(line, plan.not_kept);
    for (size_t i = 0; i < replaced.size(); ++i) {
        line.insert_before(*replaced[i],
                           relayed_option(*replaced[i], plan.relayed[i].pair.qemus.get()));
        line.erase(*replaced[i]);
    }
    return plan;
}

void set_qemu_ends(ArgumentModel& line, const std::map<std::string, UniqueFd>& ends) {
    for (const auto& [id, end] : ends) {
        Option* option = line.find("chardev", id);
        if (!option)
            throw Error(ErrorCode::kInternal, "there is no character device '{}'", id);
        option->set("fd", std::to_string(end.get()));
        // The log goes on, whatever the first QEMU was to do with an old one.
        if (option->get("logfile"))
            option->set("logappend", "on");
    }
}

}  // namespace cpr::controller
