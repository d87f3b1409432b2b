// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_LOOP_CALL_H
#define CPR_CONTROLLER_LOOP_CALL_H

#include <functional>
#include <future>
#include <utility>

#include "base/event_loop.h"

namespace cpr::controller {

// Runs a function on the loop's thread, waits for it, and returns or throws what it does. The loop
// must run. On the loop's own thread, which nobody may wait for, that is at once.
template <typename Function>
auto call_on_loop(EventLoop& loop, Function function) -> decltype(function()) {
    if (loop.is_current())
        return function();
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    loop.post([&task] { task(); });
    return result.get();
}

}  // namespace cpr::controller

#endif
