// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/exec_orders.h"

#include <utility>

#include "controller/loop_call.h"

namespace cpr::controller {

ExecOrders orders_on_loop(EventLoop& loop, const ExecOrders& orders) {
    const auto on_loop = [&loop](const auto& function) {
        return [&loop, &function](auto&&... arguments) {
            if (function)
                call_on_loop(loop, [&] { function(std::move(arguments)...); });
        };
    };
    return {on_loop(orders.order), on_loop(orders.order_by_path), on_loop(orders.watch)};
}

}  // namespace cpr::controller
