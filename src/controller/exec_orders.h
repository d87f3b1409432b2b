// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_EXEC_ORDERS_H
#define CPR_CONTROLLER_EXEC_ORDERS_H

#include <cstdint>
#include <functional>
#include <memory>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/binary_info.h"

namespace cpr::controller {

// As ExecGuard's functions, whose business all three are. Without them the VMM is not confined.
struct ExecOrders {
    std::function<void(std::shared_ptr<const Binary> binary)> order = {};
    std::function<void(std::shared_ptr<const Binary> binary)> order_by_path = {};
    std::function<void(UniqueFd listener, int64_t pid)> watch = {};
};

// The same for any other thread than the loop's. An order holds when it returns: the VMM may ask
// for its execution at once, and the loop may look at that before it does what was posted to it.
// `orders` outlives them.
ExecOrders orders_on_loop(EventLoop& loop, const ExecOrders& orders);

}  // namespace cpr::controller

#endif
