// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/chardev_arguments.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

// A member of the backend's data, and what -chardev calls it.
struct Member {
    std::string_view name;
    std::string_view key;
};

struct Backend {
    std::string_view type;
    std::array<Member, 9> members;
};

constexpr std::array kBackends{
    Backend{"null", {}},
    Backend{"pty", {{{"path", "path"}}}},
    Backend{"file", {{{"out", "path"}, {"in", "input-path"}, {"append", "append"}}}},
    Backend{"serial", {{{"device", "path"}}}},
    Backend{"parallel", {{{"device", "path"}}}},
    Backend{"pipe", {{{"device", "path"}}}},
    Backend{"stdio", {{{"signal", "signal"}}}},
    Backend{"spicevmc", {{{"type", "name"}}}},
    Backend{"spiceport", {{{"fqdn", "name"}}}},
    Backend{"qemu-vdagent", {{{"mouse", "mouse"}, {"clipboard", "clipboard"}}}},
    Backend{"dbus", {{{"name", "name"}}}},
    Backend{"ringbuf", {{{"size", "size"}}}},
    Backend{"udp", {}},
    Backend{"socket",
            {{{"server", "server"},
              {"wait", "wait"},
              {"nodelay", "nodelay"},
              {"telnet", "telnet"},
              {"tn3270", "tn3270"},
              {"websocket", "websocket"},
              {"reconnect", "reconnect"},
              {"reconnect-ms", "reconnect-ms"},
              {"tls-creds", "tls-creds"}}}},
};

constexpr std::array<Member, 3> kCommon{
    {{"logfile", "logfile"}, {"logappend", "logappend"}, {"tls-authz", "tls-authz"}}};

constexpr std::array<Member, 5> kInet{
    {{"host", "host"}, {"port", "port"}, {"to", "to"}, {"ipv4", "ipv4"}, {"ipv6", "ipv6"}}};
constexpr std::array<Member, 2> kLocal{{{"host", "localaddr"}, {"port", "localport"}}};
constexpr std::array<Member, 3> kUnix{
    {{"path", "path"}, {"abstract", "abstract"}, {"tight", "tight"}}};
constexpr std::array<Member, 1> kFd{{{"str", "fd"}}};

[[noreturn]] void refuse(const Text& what) {
    throw Error(ErrorCode::kUnsupported,
                "a character device with {} has no like on QEMU's command line", what);
}

std::string member_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <size_t N>
bool add_member(const std::array<Member, N>& members, const std::string& name, const json& value,
                std::string& text) {
    const auto found = std::ranges::find(members, name, &Member::name);
    const auto scalar = scalar_text(to_object(value));
    if (found == members.end() || name.empty() || !scalar)
        return false;
    text.append(",").append(found->key).append("=").append(escape_commas(*scalar));
    return true;
}

template <size_t N>
void add_members(const std::array<Member, N>& members, const json& data, std::string& text) {
    for (const auto& [name, value] : data.items())
        if (!add_member(members, name, value, text))
            refuse(Text("the member '{}'", name));
}

void add_address(const json& address, bool local, std::string& text) {
    const std::string type = address.is_object() ? member_of(address, "type") : "";
    const json data = address.is_object() ? address.value("data", json::object()) : json();
    if (type == "inet" && local)
        add_members(kLocal, data, text);
    else if (type == "inet")
        add_members(kInet, data, text);
    else if (type == "unix" && !local)
        add_members(kUnix, data, text);
    else if (type == "fd" && !local)
        add_members(kFd, data, text);
    else
        refuse(Text("an address of type '{}'", type));
}

// Over the monitor, a socket is a server that waits for nobody unless it is said to be another; on
// the command line it is a client, and a server waits.
void add_defaults(const json& data, std::string& text) {
    const bool server = data.value("server", json(true)) == true;
    if (!data.contains("server"))
        text += ",server=on";
    if (server && !data.contains("wait"))
        text += ",wait=off";
}

void add_data(const Backend& backend, const json& data, std::string& text) {
    for (const auto& [name, value] : data.items()) {
        if (backend.type == "socket" && name == "addr")
            add_address(value, false, text);
        else if (backend.type == "udp" && (name == "remote" || name == "local"))
            add_address(value, name == "local", text);
        else if (!add_member(backend.members, name, value, text) &&
                 !add_member(kCommon, name, value, text))
            refuse(Text("the member '{}'", name));
    }
}

}  // namespace

Option chardev_option(const json& arguments) {
    const json backend =
        arguments.is_object() ? arguments.value("backend", json::object()) : json::object();
    const std::string type = backend.is_object() ? member_of(backend, "type") : "";
    const auto found = std::ranges::find(kBackends, type, &Backend::type);
    if (found == kBackends.end())
        refuse(Text("the type '{}'", type));
    std::string text = fmt::format("{},id={}", type, escape_commas(member_of(arguments, "id")));
    const json data = backend.value("data", json::object());
    add_data(*found, data, text);
    if (type == "socket" && data.is_object())
        add_defaults(data, text);
    return Option::make("chardev", text);
}

}  // namespace cpr::controller::qemu
