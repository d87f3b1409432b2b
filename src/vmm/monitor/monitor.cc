// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/monitor/monitor.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "vmm/chardev/sockets.h"
#include "vmm/monitor/shapes.h"

namespace cpr::vmm {
namespace {

constexpr size_t kMaxQueued = size_t{4} << 20;

std::string fd_name(const ChardevConfig& chardev) {
    return std::string(state::kMonitorFdPrefix) + chardev.id;
}

}  // namespace

Monitor::Monitor(const MonitorConfig& config, const ChardevConfig& chardev, Context context,
                 state::IncomingFds* incoming)
    : id_(config.id), chardev_(chardev), context_(std::move(context)) {
    open(incoming);
}

Monitor::~Monitor() {
    if (unlink_)
        unlink(chardev_.path.c_str());
}

Monitor::Sockets Monitor::take(const ChardevConfig& chardev, state::IncomingFds& incoming) {
    const std::string name = fd_name(chardev);
    Sockets sockets;
    if (chardev.server)
        sockets.listener = incoming.take(name + "-listener");
    if (!chardev.server || incoming.has(name))
        sockets.client = incoming.take(name);
    return sockets;
}

void Monitor::open(state::IncomingFds* incoming) {
    Sockets sockets;
    if (incoming)
        sockets = take(chardev_, *incoming);
    else
        (chardev_.server ? sockets.listener : sockets.client) = open_socket(chardev_);
    listener_ = std::move(sockets.listener);
    unlink_ = chardev_.server && !chardev_.path.empty();
    if (sockets.client)
        greet(std::move(sockets.client));
    else
        watch_listener();
}

// Only while there is no client: the next one waits in the queue.
void Monitor::watch_listener() {
    listener_watch_ = context_.loop.watch_fd(listener_.get(), G_IO_IN, [this](GIOCondition) {
        try {
            UniqueFd client = accept_client(listener_.get());
            if (!client)
                return true;
            greet(std::move(client));
        } catch (const Error& error) {
            log::warning("monitor '{}': {}", id_, error.message());
            return true;
        }
        return false;
    });
}

void Monitor::greet(UniqueFd client) {
    dropping_ = false;
    session_ = std::make_unique<qmp::Session>(context_.commands, version_shape(context_.version));
    const auto on_invalid = [this](const std::string& reason) {
        connection_->send(qmp::Session::error_reply(
            Error(ErrorCode::kInvalidArgument, "JSON parse error, {}", reason)));
    };
    connection_ = std::make_unique<qmp::Connection>(
        context_.loop, std::move(client),
        qmp::Connection::Handlers{[this](const nlohmann::json& message, std::vector<UniqueFd> fds) {
                                      on_message(message, std::move(fds));
                                  },
                                  [this](const std::string& reason) { on_closed(reason); },
                                  on_invalid});
    const UniqueFd listener = std::move(context_.exec_listener);
    const int fd = listener.get();
    connection_->send(session_->greeting(), {&fd, listener ? 1U : 0U});
}

void Monitor::on_message(const nlohmann::json& message, std::vector<UniqueFd> fds) {
    const qmp::Reply reply = session_->handle(message, std::move(fds));
    connection_->send(reply.body, fd_numbers(reply.fds));
}

void Monitor::on_closed(const std::string& reason) {
    log::debug("monitor '{}': {}", id_, reason);
    connection_.reset();
    session_.reset();
    if (listener_)
        watch_listener();
    else
        context_.on_gone();
}

void Monitor::send_event(const nlohmann::json& event) {
    if (!session_ || !session_->negotiated())
        return;
    // A guest can cause events without end, and the client may have stopped reading.
    if (connection_->queued_bytes() < kMaxQueued)
        connection_->send(event);
    else if (!std::exchange(dropping_, true))
        log::warning("monitor '{}': the client does not read: events are dropped", id_);
}

void Monitor::flush(int milliseconds) {
    if (connection_)
        connection_->flush(milliseconds);
}

void Monitor::keep(state::OutgoingFds& fds) const {
    if (listener_)
        fds.add(fd_name(chardev_) + "-listener", 0, listener_.get());
    if (connection_)
        fds.add(fd_name(chardev_), 0, connection_->fd());
}

std::string Monitor::filename() const {
    const int client = connection_ ? connection_->fd() : -1;
    return socket_filename(chardev_, listener_ ? listener_.get() : client, client >= 0);
}

}  // namespace cpr::vmm
