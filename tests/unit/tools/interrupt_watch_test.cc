// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/interrupt_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>

#include "tools/cancel_wish.h"
#include "tools/update_command.h"

namespace cpr::tools {
namespace {

constexpr std::chrono::seconds kLong(10);

TEST(InterruptWatch, TakesTheFirstOfEachSignalThatEndsPrograms) {
    for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
        std::promise<void> called;
        InterruptWatch watch([&] { called.set_value(); });
        kill(getpid(), signal_number);
        EXPECT_EQ(called.get_future().wait_for(kLong), std::future_status::ready) << signal_number;
    }
}

TEST(InterruptWatch, LeavesIgnoredSignalsAlone) {
    const auto before = signal(SIGHUP, SIG_IGN);
    std::atomic<int> calls = 0;
    {
        InterruptWatch watch([&] { ++calls; });
        kill(getpid(), SIGHUP);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    signal(SIGHUP, before);
    EXPECT_EQ(calls, 0);
}

TEST(InterruptWatchDeathTest, TheSecondEndsTheProgram) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            std::promise<void> called;
            InterruptWatch watch([&] { called.set_value(); });
            kill(getpid(), SIGTERM);
            called.get_future().wait();
            kill(getpid(), SIGINT);
            std::this_thread::sleep_for(kLong);
            _exit(0);
        },
        testing::KilledBySignal(SIGINT), "");
}

TEST(Interrupt, IsToldOfWithWhatASecondOneDoes) {
    testing::internal::CaptureStderr();
    tell_of_interrupt();
    EXPECT_NE(testing::internal::GetCapturedStderr().find("it then goes on without this program"),
              std::string::npos);
}

TEST(CancelWish, StaysOpenUntilItCanBeCarriedOut) {
    CancelWish wish;
    EXPECT_FALSE(wish.is_open());
    wish.express();
    EXPECT_TRUE(wish.is_open());
    wish.set_job(nullptr);
    EXPECT_TRUE(wish.is_open());
}

}  // namespace
}  // namespace cpr::tools
