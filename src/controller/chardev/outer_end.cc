// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/outer_end.h"

#include <utility>

#include "controller/chardev/client_end.h"
#include "controller/chardev/listening_end.h"
#include "controller/chardev/pty_end.h"

namespace cpr::controller {

std::unique_ptr<OuterEnd> open_outer_end(EventLoop& loop, UniqueFd passed,
                                         const RelayedDevice& device) {
    switch (device.kind) {
        case OuterKind::kPty:
            return std::make_unique<PtyEnd>(loop, device.address.path);
        case OuterKind::kServer:
            return std::make_unique<ListeningEnd>(loop, std::move(passed), device.address);
        case OuterKind::kClient:
            break;
    }
    return std::make_unique<ClientEnd>(std::move(passed), device.address);
}

}  // namespace cpr::controller
