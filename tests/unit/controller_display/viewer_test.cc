// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/display/viewer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

class ViewerTest : public LoopTest {
  protected:
    ViewerTest() {
        auto [outside, viewer] = socket_pair();
        auto [inside, qemu] = socket_pair();
        outside_ = std::move(outside);
        inside_ = std::move(inside);
        viewer_ = std::make_unique<Viewer>(loop_, std::move(viewer), std::move(qemu),
                                           [this] { ++ends_; });
    }

    static void send_text(const UniqueFd& fd, const std::string& text) {
        EXPECT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void expect_text(const UniqueFd& fd, const std::string& text) {
        std::string got;
        run_until([&] {
            std::array<char, 4096> buffer{};
            const ssize_t size = recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (size > 0)
                got.append(buffer.data(), static_cast<size_t>(size));
            loop_.post([] {});
            return got.size() >= text.size();
        });
        EXPECT_EQ(got, text);
    }
    static bool at_end(const UniqueFd& fd) {
        char byte = 0;
        return recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 0;
    }
    // Fills a socket up to where it takes no more; returns how much that was.
    size_t fill(const UniqueFd& fd) {
        const std::string block(4096, 'x');
        size_t total = 0;
        for (int quiet = 0; quiet < 50; ++quiet) {
            const ssize_t sent = send(fd.get(), block.data(), block.size(), MSG_DONTWAIT);
            if (sent > 0) {
                total += static_cast<size_t>(sent);
                quiet = 0;
            }
            settle();
        }
        return total;
    }

    UniqueFd outside_;
    UniqueFd inside_;
    std::unique_ptr<Viewer> viewer_;
    int ends_ = 0;
};

TEST_F(ViewerTest, CarriesBytesBothWays) {
    send_text(inside_, "RFB 003.008\n");
    expect_text(outside_, "RFB 003.008\n");
    send_text(outside_, "RFB 003.007\n");
    expect_text(inside_, "RFB 003.007\n");
    EXPECT_FALSE(viewer_->ended());
}

TEST_F(ViewerTest, WhatWasSaidLastArrivesBeforeTheEnd) {
    send_text(inside_, "wrong password");
    inside_.reset();
    expect_text(outside_, "wrong password");
    run_until([&] { return at_end(outside_); });
    EXPECT_TRUE(viewer_->ended());
    EXPECT_EQ(ends_, 1);
}

TEST_F(ViewerTest, AViewerThatLeavesIsGoneForQemu) {
    send_text(outside_, "key");
    outside_.reset();
    expect_text(inside_, "key");
    run_until([&] { return at_end(inside_); });
    EXPECT_EQ(ends_, 1);
}

TEST_F(ViewerTest, AViewerThatReadsNothingStopsQemuAndNotItself) {
    const size_t taken = fill(inside_);
    EXPECT_LT(taken, size_t{4} << 20);
    send_text(outside_, "key");
    expect_text(inside_, "key");
    expect_text(outside_, std::string(taken, 'x'));
    send_text(inside_, "more");
    expect_text(outside_, "more");
}

TEST_F(ViewerTest, AViewerThatLeavesWithoutReadingIsNoLoad) {
    fill(inside_);
    outside_.reset();
    run_until([&] { return viewer_->ended(); });
    EXPECT_EQ(ends_, 1);
}

}  // namespace
}  // namespace cpr::controller
