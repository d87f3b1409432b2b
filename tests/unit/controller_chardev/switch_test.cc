// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>

#include "base/error.h"
#include "unit/controller_chardev/devices_fixture.h"

namespace cpr::controller {
namespace {

// Over each kind of outer end.
class SwitchOfDevices : public DevicesTest, public testing::WithParamInterface<const char*> {
  protected:
    void SetUp() override {
        const bool pty = std::string_view(GetParam()) == "pty";
        start_one(pty ? "pty,id=c" : "socket,id=c,server=on,wait=off,path=" + path_);
        user_ = pty ? open_pty() : connect_user(path_);
        expect_connected(qemu(), user_);
        clear();
    }
    void clear() {
        qemu().got.clear();
        user_.got.clear();
    }
    // Both write until nothing moves any more.
    void fill() {
        for (int i = 0; i < 300; ++i) {
            in_ += user_.write(std::string_view(bytes_).substr(in_));
            out_ += qemu().write(std::string_view(bytes_).substr(out_));
            loop_.iterate(false);
        }
        ASSERT_LT(in_, bytes_.size());
        ASSERT_LT(out_, bytes_.size());
    }
    TestEnd next_qemu() {
        auto ends = devices_->make_next();
        EXPECT_EQ(ends.size(), 1U);
        return TestEnd(std::move(ends["c"]));
    }
    // The next QEMU takes the place of the old one, and has what that was given as well.
    void replace_qemu(TestEnd next) {
        next.got = qemu().got;
        qemu() = std::move(next);
    }
    // Both take all that was written and the rest.
    void expect_the_rest() {
        run_until([this] {
            user_.read();
            qemu().read();
            in_ += user_.write(std::string_view(bytes_).substr(in_));
            out_ += qemu().write(std::string_view(bytes_).substr(out_));
            poll_again();
            return qemu().got.size() >= bytes_.size() && user_.got.size() >= bytes_.size();
        });
        settle();
        user_.read();
        qemu().read();
        EXPECT_TRUE(qemu().got == bytes_) << qemu().got.size();
        EXPECT_TRUE(user_.got == bytes_) << user_.got.size();
    }

    const std::string bytes_ = numbered(3 << 20);
    // What has been written of it.
    size_t in_ = 0;
    size_t out_ = 0;
    TestEnd user_;
};

TEST_P(SwitchOfDevices, LosesNothingOfFullBuffers) {
    fill();
    qemu().read(1000);
    TestEnd next = next_qemu();
    devices_->hold();
    // Its output goes on.
    user_.read(50000);
    out_ += qemu().write(std::string_view(bytes_).substr(out_));
    settle();
    qemu().read();
    EXPECT_EQ(qemu().got.size(), 1000U) << "a held device gives the old QEMU nothing";
    devices_->switch_over();
    replace_qemu(std::move(next));
    expect_the_rest();
}

TEST_P(SwitchOfDevices, NeedsNoHold) {
    fill();
    qemu().read(100001);
    TestEnd next = next_qemu();
    settle();
    devices_->switch_over();
    replace_qemu(std::move(next));
    expect_the_rest();
}

TEST_P(SwitchOfDevices, CanBeGivenUp) {
    fill();
    qemu().read(1000);
    TestEnd next = next_qemu();
    devices_->hold();
    settle();
    devices_->go_on_with_old();
    EXPECT_TRUE(next.at_end());
    EXPECT_EQ(next.got, "");
    EXPECT_THROW(devices_->switch_over(), Error);
    expect_the_rest();
}

TEST_P(SwitchOfDevices, HappensOftenWhileBytesAreOnTheirWay) {
    std::minstd_rand random(1);
    for (int i = 0; i < 60; ++i) {
        in_ += user_.write(std::string_view(bytes_).substr(in_, random() % 40000));
        out_ += qemu().write(std::string_view(bytes_).substr(out_, random() % 40000));
        for (unsigned turns = random() % 8; turns > 0; --turns)
            loop_.iterate(false);
        user_.read(random() % 40000);
        qemu().read(random() % 40000);
        TestEnd next = next_qemu();
        if (random() % 4 != 0)
            devices_->hold();
        // The guest runs on for a while.
        out_ += qemu().write(std::string_view(bytes_).substr(out_, random() % 5000));
        for (unsigned turns = random() % 3; turns > 0; --turns)
            loop_.iterate(false);
        if (random() % 3 == 0) {
            devices_->go_on_with_old();
        } else {
            devices_->switch_over();
            replace_qemu(std::move(next));
        }
    }
    expect_the_rest();
}

// What is had back must not be the middle of what QEMU gets.
TEST_P(SwitchOfDevices, HoldsAQemuThatReadsAllTheTime) {
    std::atomic<bool> stop = false;
    std::atomic<size_t> arrived = 0;
    std::thread reader([&stop, &arrived, &end = qemu()] {
        while (!stop) {
            end.read(700);
            arrived = end.got.size();
        }
    });
    run_until([&] {
        in_ += user_.write(std::string_view(bytes_).substr(in_));
        devices_->hold();
        devices_->go_on_with_old();
        poll_again();
        return arrived >= bytes_.size();
    });
    stop = true;
    reader.join();
    EXPECT_TRUE(qemu().got == bytes_) << qemu().got.size();
}

TEST_P(SwitchOfDevices, LetsTheGuestsOutputPassWhileHeld) {
    next_qemu();
    devices_->hold();
    EXPECT_EQ(user_.write("input"), 5U);
    write_all_of(qemu(), "output");
    expect_arrival(user_, "output");
    settle();
    qemu().read();
    EXPECT_EQ(qemu().got, "");
    devices_->go_on_with_old();
    expect_arrival(qemu(), "input");
}

TEST_P(SwitchOfDevices, ServesTheNextUserAfterAHold) {
    EXPECT_EQ(user_.write("first"), 5U);
    devices_->hold();
    user_.close();
    settle();
    TestEnd next = next_qemu();
    devices_->switch_over();
    replace_qemu(std::move(next));
    expect_arrival(qemu(), "first");
    user_ = std::string_view(GetParam()) == "pty" ? open_pty() : connect_user(path_);
    clear();
    expect_connected(qemu(), user_);
}

TEST_P(SwitchOfDevices, LeavesTheUsersInputWhereItIsWhileHeld) {
    devices_->hold();
    EXPECT_EQ(user_.write("input"), 5U);
    expect_rest();
    devices_->go_on_with_old();
    fill();
    wait();
    expect_rest();
    devices_->hold();
    expect_rest();
}

TEST_P(SwitchOfDevices, GivesTheNextQemuNothingBeforeIt) {
    TestEnd next = next_qemu();
    expect_connected(qemu(), user_);
    next.read();
    EXPECT_EQ(next.got, "");
    EXPECT_EQ(next.write("early"), 5U);
    settle();
    user_.read();
    EXPECT_EQ(user_.got, "to the user");
    devices_->switch_over();
    expect_arrival(user_, "early");
}

TEST_P(SwitchOfDevices, NeedsTheNextEnds) {
    EXPECT_THROW(devices_->switch_over(), Error);
    expect_connected(qemu(), user_);
}

INSTANTIATE_TEST_SUITE_P(OuterEnds, SwitchOfDevices, testing::Values("pty", "unix"));

}  // namespace
}  // namespace cpr::controller
