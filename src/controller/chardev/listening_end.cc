// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/listening_end.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "controller/chardev/socket_names.h"
#include "controller/chardev/sockets.h"

namespace cpr::controller {

ListeningEnd::ListeningEnd(EventLoop& loop, UniqueFd passed, SocketAddress address)
    : loop_(loop), address_(std::move(address)), bound_(!passed && !address_.path.empty()) {
    if (passed) {
        require_stream_socket(passed.get(), true);
        set_nonblocking(passed.get(), true);
        listeners_.push_back(std::move(passed));
    } else {
        listeners_ = open_listeners(address_);
    }
    listen();
}

ListeningEnd::~ListeningEnd() {
    if (bound_)
        unlink(address_.path.c_str());
}

void ListeningEnd::listen() {
    for (const UniqueFd& listener : listeners_)
        watches_.push_back(
            loop_.watch_fd(listener.get(), G_IO_IN,
                           [this, fd = listener.get()](GIOCondition) { return accept(fd); }));
}

bool ListeningEnd::accept(int listener) {
    UniqueFd client(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) {
        // A client that has left again is no reason to stop listening.
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return true;
        log::warning("cannot accept a client of a character device: {}", strerror(errno));
        retry_ = loop_.after(std::chrono::seconds(1), [this] { listen(); });
    } else {
        set_nodelay(client.get(), address_);
        client_ = std::move(client);
    }
    watches_.clear();
    if (client_)
        tell_user_came();
    return false;
}

void ListeningEnd::user_left() {
    client_.reset();
    listen();
}

std::string ListeningEnd::name() const {
    return client_ ? server_name(client_.get()) : waiting_server_name(listeners_.front().get());
}

}  // namespace cpr::controller
