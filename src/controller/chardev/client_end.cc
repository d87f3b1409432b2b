// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/client_end.h"

#include <fmt/core.h>

#include <utility>

#include "controller/chardev/socket_names.h"
#include "controller/chardev/sockets.h"

namespace cpr::controller {

ClientEnd::ClientEnd(UniqueFd passed, const SocketAddress& address)
    : name_when_closed_(passed ? fmt::format("disconnected:fd:{}", passed.get())
                               : closed_client_name(address)) {
    if (passed)
        require_stream_socket(passed.get(), false);
    socket_ = passed ? std::move(passed) : open_connection(address);
    set_nonblocking(socket_.get(), true);
}

std::string ClientEnd::name() const {
    return socket_ ? client_name(socket_.get()) : name_when_closed_;
}

}  // namespace cpr::controller
