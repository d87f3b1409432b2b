// SPDX-License-Identifier: LGPL-2.1-or-later
// The `cont` of an update in mode transfer: at most one QEMU may run the guest, whatever they say.
#include "controller/qemu/entry_order.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/monotonic.h"
#include "base/unique_fd.h"
#include "unit/controller_qemu/monitor_fixture.h"

namespace cpr::controller::qemu {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class EntryOrderTest : public MonitorTest {
  protected:
    EntryOrderTest() { returns("cont", json::object()); }
    ~EntryOrderTest() override { order_.reset(); }
    void place() {
        order_ =
            std::make_unique<EntryOrder>(loop_, EntryOrder::Between{old_one_, new_one_, *calls_},
                                         [this] { return wanted_.load(); });
    }
    void says(RunWatch& watch, const char* status) {
        on_loop([&] { watch.on_event({{"event", "MIGRATION"}, {"data", {{"status", status}}}}); });
    }
    bool is_given() {
        settle();
        return on_loop([this] { return vmm_->count("cont") == 1; });
    }

    RunWatch old_one_;
    RunWatch new_one_;
    std::atomic<bool> wanted_{true};
    std::unique_ptr<EntryOrder> order_;
};

TEST_F(EntryOrderTest, IsGivenWhenBothSaySo) {
    place();
    const int64_t before = monotonic_ns();
    EXPECT_FALSE(is_given());
    says(old_one_, "device");
    says(new_one_, "active");
    says(new_one_, "completed");
    EXPECT_FALSE(is_given());
    says(old_one_, "completed");
    EXPECT_TRUE(is_given());
    EXPECT_FALSE(order_->withdraw());
    const int64_t given = order_->wait(10s);
    EXPECT_GE(given, before);
    EXPECT_LE(given, monotonic_ns());
}

TEST_F(EntryOrderTest, IsGivenAtOnceIfBothHaveSaidSo) {
    says(new_one_, "completed");
    says(old_one_, "completed");
    place();
    EXPECT_TRUE(is_given());
}

TEST_F(EntryOrderTest, WaitsForTheNewOneToo) {
    place();
    says(old_one_, "completed");
    EXPECT_FALSE(is_given());
    says(new_one_, "completed");
    EXPECT_TRUE(is_given());
}

TEST_F(EntryOrderTest, IsNotGivenIfTheOldOneGoesOnWithTheGuest) {
    place();
    says(new_one_, "completed");
    says(old_one_, "failed");
    EXPECT_FALSE(is_given());
    EXPECT_TRUE(order_->withdraw());
}

TEST_F(EntryOrderTest, IsNotGivenIfNobodyWantsItAnyMore) {
    place();
    says(new_one_, "completed");
    wanted_ = false;
    says(old_one_, "completed");
    EXPECT_FALSE(is_given());
    EXPECT_TRUE(order_->withdraw());
}

TEST_F(EntryOrderTest, IsNotGivenOnceWithdrawn) {
    place();
    EXPECT_TRUE(order_->withdraw());
    says(new_one_, "completed");
    says(old_one_, "completed");
    EXPECT_FALSE(is_given());
    try {
        order_->wait(10s);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kInternal);
    }
}

TEST_F(EntryOrderTest, IsGivenOnce) {
    place();
    for (int i = 0; i < 2; ++i) {
        says(new_one_, "completed");
        says(old_one_, "completed");
    }
    EXPECT_TRUE(is_given());
}

TEST_F(EntryOrderTest, SaysWhatQemuSays) {
    fails("cont", "not this guest");
    place();
    says(new_one_, "completed");
    says(old_one_, "completed");
    EXPECT_TRUE(is_given());
    try {
        order_->wait(10s);
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(error.message().find("not this guest"), std::string::npos) << error.message();
    }
}

TEST_F(EntryOrderTest, ANewOneThatIsGoneHasNotDoneIt) {
    place();
    says(new_one_, "completed");
    on_loop([this] { vmm_->die(); });
    settle();
    says(old_one_, "completed");
    try {
        order_->wait(10s);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kVmmGone);
    }
}

TEST_F(EntryOrderTest, NobodyIsToldWhenItIsNoMore) {
    place();
    order_.reset();
    says(new_one_, "completed");
    says(old_one_, "completed");
    EXPECT_FALSE(is_given());
}

// All but its last byte is there before.
TEST_F(EntryOrderTest, OtherCommandsWaitForIt) {
    returns("query-status", json::object());
    place();
    std::jthread other([this] { calls_->call("query-status", json::object(), 10s); });
    settle();
    EXPECT_TRUE(on_loop([this] { return vmm_->names().empty(); }));
    says(new_one_, "completed");
    says(old_one_, "completed");
    other.join();
    EXPECT_EQ(on_loop([this] { return vmm_->names(); }),
              (std::vector<std::string>{"cont", "query-status"}));
}

TEST_F(EntryOrderTest, IsNotSentAheadOfCommandsThatWait) {
    on_loop([this] {
        link_->send({{{"execute", "silent"}}, {}}, [](const Message&) {});
        Message with_fd{{{"execute", "getfd"}}, {}};
        with_fd.fds.push_back(dup_fd(vmm_->fd()));
        link_->send(std::move(with_fd), [](const Message&) {});
    });
    EXPECT_THROW(place(), Error);
}

}  // namespace
}  // namespace cpr::controller::qemu
