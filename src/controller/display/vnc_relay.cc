// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/display/vnc_relay.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "controller/chardev/relayed_device.h"
#include "controller/chardev/sockets.h"

namespace cpr::controller {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// Until QEMU listens, or there are descriptors again.
constexpr auto kRetry = 100ms;

// As QEMU describes an address.
void describe(json& object, const SocketName& name) {
    const bool is_unix = name.family == AF_UNIX;
    object["family"] = is_unix ? "unix" : name.family == AF_INET ? "ipv4" : "ipv6";
    object["host"] = is_unix ? std::string() : name.host;
    object["service"] = is_unix ? name.path : name.port;
}

std::string text_in(const json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

VncRelay::VncRelay(EventLoop& loop, VncPlan plan) : loop_(loop), plan_(std::move(plan)) {
    if (!plan_.listeners.empty())
        display_ = own_name(plan_.listeners.front().get());
    listen();
}

VncRelay::~VncRelay() {
    if (!plan_.bound_path.empty())
        unlink(plan_.bound_path.c_str());
}

void VncRelay::listen() {
    watches_.clear();
    if (held_)
        return;
    for (const UniqueFd& listener : plan_.listeners)
        watches_.push_back(
            loop_.watch_fd(listener.get(), G_IO_IN,
                           [this, fd = listener.get()](GIOCondition) { return on_viewer(fd); }));
}

// A viewer is not taken before QEMU is there for it: it waits as if the display were slow.
bool VncRelay::on_viewer(int listener) {
    const std::string name = fmt::format("{}/v{}", plan_.folder, last_viewer_ + 1);
    UniqueFd qemu = connect_to_qemu(name);
    if (!qemu) {
        retry_later();
        return false;
    }
    UniqueFd viewer(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (viewer) {
        ++last_viewer_;
        names_[name] = peer_name(viewer.get());
        SocketAddress kind;
        kind.nodelay = true;
        set_nodelay(viewer.get(), kind);
        carry(std::move(viewer), std::move(qemu));
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        log::warning("cannot accept a viewer: {}", strerror(errno));
        retry_later();
        return false;
    }
    return true;
}

void VncRelay::retry_later() {
    watches_.clear();
    retry_ = loop_.after(kRetry, [this] { listen(); });
}

// With a name of our own, by which QEMU's events tell viewers apart. Empty if QEMU is not there.
UniqueFd VncRelay::connect_to_qemu(const std::string& name) const {
    try {
        UniqueFd socket = connect_from_path(plan_.inner_path(on_other_path_), name);
        unlink(name.c_str());
        return socket;
    } catch (const Error& error) {
        log::debug("a viewer waits: {}", error.message());
        unlink(name.c_str());
        return {};
    }
}

void VncRelay::carry(UniqueFd viewer, UniqueFd qemu) {
    viewers_.emplace_back(loop_, std::move(viewer), std::move(qemu),
                          [this] { sweep_ = loop_.after(0ms, [this] { drop_ended(); }); });
}

void VncRelay::drop_ended() {
    std::erase_if(viewers_, [](const Viewer& viewer) { return viewer.ended(); });
}

void VncRelay::hold() {
    held_ = true;
    retry_.cancel();
    watches_.clear();
}

void VncRelay::switch_over() {
    on_other_path_ = !on_other_path_;
    viewers_.clear();
    names_.clear();
    go_on_with_old();
}

void VncRelay::go_on_with_old() {
    held_ = false;
    listen();
}

UniqueFd VncRelay::take_viewer(UniqueFd viewer) {
    StreamPair pair = StreamPair::make();
    set_nonblocking(viewer.get(), true);
    carry(std::move(viewer), std::move(pair.ours));
    return std::move(pair.qemus);
}

void VncRelay::edit_addresses(json& value) const {
    if (value.is_object() && text_in(value, "family") == "unix") {
        const std::string path = text_in(value, "service");
        if (path == plan_.inner_path(on_other_path_))
            describe(value, display_);
        else if (const auto found = names_.find(path); found != names_.end())
            describe(value, found->second);
    }
    if (value.is_structured())
        for (json& member : value)
            edit_addresses(member);
}

void VncRelay::forget_viewer(const json& data) {
    if (data.is_object() && data.contains("client"))
        names_.erase(text_in(data["client"], "service"));
}

}  // namespace cpr::controller
