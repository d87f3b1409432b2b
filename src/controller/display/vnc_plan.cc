// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/display/vnc_plan.h"

#include <sys/socket.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/json_number.h"
#include "base/log.h"
#include "controller/chardev/sockets.h"

namespace cpr::controller {
namespace {

using nlohmann::json;
using qemu::ArgumentModel;
using qemu::Option;

constexpr std::string_view kUnix = "unix:";
constexpr int kFirstPort = 5900;
constexpr int kLastPort = 65535;
// Viewers that come while the guest is handed over wait so.
constexpr int kBacklog = 16;

struct Reason {
    const char* key;
    const char* reason;
};

// Of properties that are set.
constexpr std::array kReasons{
    Reason{"websocket", N_("QEMU itself listens for websockets, and cannot be told to end that")},
    Reason{"sasl",
           N_("SASL looks at the address of the viewer, which the next QEMU could not see")},
    Reason{"reverse", N_("QEMU itself has connected to the viewer (reverse)")},
    Reason{"to", N_("a range of ports is not supported")},
};

bool is_set(const Option& option, const char* key) {
    const auto value = option.get(key);
    return value && *value != "off" && *value != "no";
}

bool is_none(const Option& option) {
    const std::string address = option.value("vnc");
    return address.empty() || address == "none";
}

IpVersion ip_version(const Option& option) {
    const bool four = option.is_on("ipv4");
    const bool six = option.is_on("ipv6");
    if (four == six)
        return IpVersion::kAny;
    return four ? IpVersion::kFour : IpVersion::kSix;
}

// "HOST:DISPLAY", "[HOST]:DISPLAY" or "unix:PATH"; nothing for what is none of them.
std::optional<SocketAddress> address_of(const Option& option) {
    const std::string text = option.value("vnc");
    SocketAddress address;
    if (text.starts_with(kUnix)) {
        address.path = text.substr(kUnix.size());
        return address.path.empty() ? std::nullopt : std::optional(address);
    }
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos)
        return std::nullopt;
    address.host = text.substr(0, colon);
    if (address.host.starts_with('[') && address.host.ends_with(']'))
        address.host = address.host.substr(1, address.host.size() - 2);
    int display = -1;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + colon + 1, end, display);
    if (read.ec != std::errc() || read.ptr != end || display < 0 ||
        display > kLastPort - kFirstPort)
        return std::nullopt;
    address.port = std::to_string(kFirstPort + display);
    address.version = ip_version(option);
    return address;
}

std::vector<UniqueFd> listen_for_viewers(const SocketAddress& address) {
    std::vector<UniqueFd> listeners = open_listeners(address);
    for (const UniqueFd& listener : listeners)
        listen(listener.get(), kBacklog);
    return listeners;
}

[[noreturn]] void refuse_plan() {
    throw Error(ErrorCode::kInvalidArgument, "the plan of the VNC display cannot be used");
}

}  // namespace

std::vector<int> VncPlan::for_controller() const {
    std::vector<int> numbers;
    for (const UniqueFd& listener : listeners)
        numbers.push_back(listener.get());
    return numbers;
}

Text reason_against_vnc(const Option& option) {
    if (is_none(option))
        return {};
    for (const Reason& known : kReasons)
        if (is_set(option, known.key))
            return known.reason;
    if (!address_of(option))
        return N_("its address is not understood");
    return N_("QEMU itself listens there, and its viewers are connected to QEMU");
}

VncPlan plan_vnc(ArgumentModel& line, const std::string& folder) {
    const std::vector<Option*> displays = line.all("vnc");
    // libvirt makes no second one.
    if (displays.size() != 1 || is_none(*displays.front()) || folder.empty())
        return {};
    Option& option = *displays.front();
    const auto address = address_of(option);
    for (const Reason& known : kReasons)
        if (is_set(option, known.key) || !address)
            return {};
    VncPlan plan;
    try {
        plan.listeners = listen_for_viewers(*address);
    } catch (const Error& error) {
        log::warning("the VNC display is left to QEMU: {}", error.message());
        return {};
    }
    plan.bound_path = address->path;
    plan.folder = folder;
    set_vnc_path(option, plan.inner_path());
    for (const char* key : {"ipv4", "ipv6"})
        option.erase(key);
    return plan;
}

void set_vnc_path(Option& option, const std::string& path) {
    option.set("vnc", std::string(kUnix) + path);
}

bool is_vnc_at(const Option& option, const std::string& path) {
    return option.value("vnc") == std::string(kUnix) + path;
}

json to_json(const VncPlan& plan) {
    return {{"listeners", plan.for_controller()},
            {"bound-path", plan.bound_path},
            {"folder", plan.folder}};
}

VncPlan vnc_plan_from(const json& written) {
    if (!written.is_object() || !written.contains("listeners") ||
        !written["listeners"].is_array() || !written.value("bound-path", json()).is_string() ||
        !written.value("folder", json()).is_string())
        refuse_plan();
    VncPlan plan;
    for (const json& entry : written["listeners"]) {
        const auto number = integer_in<int>(entry);
        if (!number || *number < 0)
            refuse_plan();
        set_cloexec(*number, true);
        plan.listeners.emplace_back(*number);
    }
    plan.bound_path = written["bound-path"].get<std::string>();
    plan.folder = written["folder"].get<std::string>();
    return plan;
}

}  // namespace cpr::controller
