// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/relayed_device.h"

#include <sys/socket.h>

#include "base/error.h"

namespace cpr::controller {

StreamPair StreamPair::make() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        throw errno_error("make a socket pair");
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace cpr::controller
