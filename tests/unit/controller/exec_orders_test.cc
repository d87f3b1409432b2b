// SPDX-License-Identifier: LGPL-2.1-or-later
// Orders to the guard, most of them from another thread, while the loop is busy.
#include "controller/exec_orders.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

// What asks becomes ready after the order was given, and before the loop looks at either.
class ExecOrdersTest : public ::testing::Test {
  protected:
    bool holds_when_asked(const std::function<void(const ExecOrders&)>& give) {
        const ExecOrders orders = orders_on_loop(loop_, orders_);
        std::optional<bool> held;
        const EventSource watch = loop_.watch_fd(asking_.get(), G_IO_IN, [&](GIOCondition) {
            held = held_;
            loop_.quit();
            return false;
        });
        std::jthread job([&] {
            give(orders);
            eventfd_write(asking_.get(), 1);
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        loop_.run();
        return held.value_or(false);
    }

    EventLoop loop_;
    UniqueFd asking_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    bool held_ = false;
    ExecOrders orders_{[this](const std::shared_ptr<const Binary>&) { held_ = true; },
                       [this](const std::shared_ptr<const Binary>&) { held_ = true; },
                       [this](const UniqueFd& fd, int64_t pid) { held_ = fd && pid == 42; }};
};

TEST_F(ExecOrdersTest, AnOrderHoldsBeforeTheVmmAsks) {
    EXPECT_TRUE(holds_when_asked([](const ExecOrders& orders) { orders.order(nullptr); }));
}

TEST_F(ExecOrdersTest, AnOrderByPathHoldsBeforeTheVmmAsks) {
    EXPECT_TRUE(holds_when_asked([](const ExecOrders& orders) { orders.order_by_path(nullptr); }));
}

TEST_F(ExecOrdersTest, AListenerIsWatchedBeforeTheVmmAsks) {
    EXPECT_TRUE(holds_when_asked(
        [](const ExecOrders& orders) { orders.watch(UniqueFd(eventfd(0, EFD_CLOEXEC)), 42); }));
}

// A process is started there, and whoever starts it gives the orders.
TEST_F(ExecOrdersTest, AnOrderFromTheLoopItselfHolds) {
    const ExecOrders orders = orders_on_loop(loop_, orders_);
    loop_.post([&] {
        orders.order(nullptr);
        loop_.quit();
    });
    loop_.run();
    EXPECT_TRUE(held_);
}

TEST_F(ExecOrdersTest, WithoutAGuardThereIsNothingToWaitFor) {
    const ExecOrders none;
    const ExecOrders orders = orders_on_loop(loop_, none);
    orders.order(nullptr);
    orders.watch(UniqueFd(), 42);
}

}  // namespace
}  // namespace cpr::controller
