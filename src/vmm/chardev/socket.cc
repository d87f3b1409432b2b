// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/chardev/socket.h"

#include "base/error.h"
#include "base/log.h"
#include "vmm/chardev/sockets.h"

namespace cpr::vmm {

SocketChardev::SocketChardev(const ChardevConfig& config, EventLoop& loop, UniqueFd log,
                             UniqueFd listener, UniqueFd client)
    : StreamChardev(config.id, loop, std::move(log)),
      config_(config),
      listener_(std::move(listener)) {
    if (client)
        attach(std::move(client));
    else
        watch_listener();
}

std::string SocketChardev::filename() const {
    return socket_filename(config_, listener_ ? listener_.get() : stream_fd(), frontend_open());
}

void SocketChardev::keep(state::OutgoingFds& fds) const {
    StreamChardev::keep(fds);
    if (listener_)
        fds.add("chardev-" + id() + "-listener", 0, listener_.get());
    if (stream_fd() >= 0)
        fds.add("chardev-" + id() + "-client", 0, stream_fd());
}

void SocketChardev::on_hangup() {
    detach();
    watch_listener();
}

// Only while there is no client: the next one waits in the queue.
void SocketChardev::watch_listener() {
    if (!listener_)
        return;
    listener_watch_ = loop().watch_fd(listener_.get(), G_IO_IN, [this](GIOCondition) {
        try {
            UniqueFd client = accept_client(listener_.get());
            if (!client)
                return true;
            attach(std::move(client));
        } catch (const Error& error) {
            log::warning("chardev '{}': {}", id(), error.message());
            return true;
        }
        return false;
    });
}

}  // namespace cpr::vmm
