// SPDX-License-Identifier: LGPL-2.1-or-later
#include "qmp/connection.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/io.h"

namespace cpr::qmp {
namespace {

using nlohmann::json;

class ConnectionTest : public testing::Test {
  protected:
    void SetUp() override {
        int pair[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        near_ = std::make_unique<Connection>(loop_, UniqueFd(pair[0]),
                                             Connection::Handlers{[](json, auto) {}, [](auto&) {}});
        far_ = std::make_unique<Connection>(
            loop_, UniqueFd(pair[1]),
            Connection::Handlers{[this](json message, std::vector<UniqueFd> fds) {
                                     got_.push_back(std::move(message));
                                     for (auto& fd : fds)
                                         fds_.push_back(std::move(fd));
                                 },
                                 [this](const std::string& reason) { closed_ = reason; }});
    }
    template <typename Condition>
    void run_until(Condition condition) {
        EventSource limit = loop_.after(std::chrono::seconds(10), [this] { late_ = true; });
        while (!condition() && !late_)
            loop_.iterate(true);
        EXPECT_FALSE(late_);
    }

    EventLoop loop_;
    std::unique_ptr<Connection> near_;
    std::unique_ptr<Connection> far_;
    std::vector<json> got_;
    std::vector<UniqueFd> fds_;
    std::string closed_;
    bool late_ = false;
};

TEST_F(ConnectionTest, CarriesMessagesInOrder) {
    near_->send({{"n", 1}});
    near_->send({{"n", 2}});
    run_until([this] { return got_.size() == 2; });
    EXPECT_EQ(got_[0]["n"], 1);
    EXPECT_EQ(got_[1]["n"], 2);
}

TEST_F(ConnectionTest, AMessageSentAheadLacksItsEndUntilItIsReleased) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    Connection sender(loop_, UniqueFd(pair[0]), {[](json, auto) {}, [](auto&) {}});
    const UniqueFd reader(pair[1]);
    const auto arrived = [&] {
        std::string bytes(100, ' ');
        const ssize_t got = recv(reader.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        return bytes.substr(0, got < 0 ? 0 : static_cast<size_t>(got));
    };
    sender.send_ahead({{"execute", "cont"}, {"id", {{"n", 1}}}});
    EXPECT_EQ(arrived(), R"({"execute":"cont","id":{"n":1})");
    EXPECT_EQ(arrived(), "");
    sender.release();
    EXPECT_EQ(arrived(), "}\r\n");
    sender.release();
    EXPECT_EQ(arrived(), "");
    sender.send({{"n", 2}});
    EXPECT_EQ(arrived(), "{\"n\":2}\r\n");
}

TEST_F(ConnectionTest, CarriesMessagesLargerThanTheSocketBuffer) {
    near_->send({{"text", std::string(4 << 20, 'x')}});
    run_until([this] { return got_.size() == 1; });
    EXPECT_EQ(got_[0]["text"].get<std::string>().size(), size_t{4} << 20);
}

TEST_F(ConnectionTest, CarriesDescriptorsCloseOnExec) {
    const UniqueFd memfd = make_memfd("x");
    const int fds[] = {memfd.get()};
    near_->send({{"execute", "getfd"}}, fds);
    run_until([this] { return got_.size() == 1; });
    ASSERT_EQ(fds_.size(), 1u);
    EXPECT_EQ(fcntl(fds_[0].get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(ConnectionTest, GivesDescriptorsToTheMessageTheyCameWith) {
    const UniqueFd memfd = make_memfd("x");
    const int fds[] = {memfd.get()};
    size_t with_first = 9;
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    Connection sender(loop_, UniqueFd(pair[0]), {[](json, auto) {}, [](auto&) {}});
    sender.send({{"n", 1}});
    sender.send({{"n", 2}}, fds);
    size_t with_second = 9;
    Connection receiver(loop_, UniqueFd(pair[1]),
                        {[&](const json& message, const std::vector<UniqueFd>& got) {
                             (message["n"] == 1 ? with_first : with_second) = got.size();
                         },
                         [](auto&) {}});
    run_until([&] { return with_second != 9; });
    EXPECT_EQ(with_first, 0u);
    EXPECT_EQ(with_second, 1u);
}

TEST_F(ConnectionTest, APausedConnectionHandsOutNothingUntilItGoesOn) {
    far_->set_paused(true);
    near_->send({{"n", 1}});
    for (int i = 0; i < 5; ++i)
        loop_.iterate(false);
    EXPECT_TRUE(got_.empty());
    far_->set_paused(false);
    run_until([this] { return got_.size() == 1; });
}

TEST_F(ConnectionTest, APausedConnectionSeesTheEnd) {
    far_->set_paused(true);
    near_.reset();
    run_until([this] { return !closed_.empty(); });
}

TEST_F(ConnectionTest, CountsWhatThePeerDoesNotTake) {
    near_->send({{"text", std::string(4 << 20, 'x')}});
    EXPECT_GT(near_->queued_bytes(), 1u << 20);
    run_until([this] { return got_.size() == 1; });
    EXPECT_EQ(near_->queued_bytes(), 0u);
}

TEST_F(ConnectionTest, ReportsTheEndOnce) {
    near_.reset();
    run_until([this] { return !closed_.empty(); });
    EXPECT_EQ(closed_, "end of file");
}

TEST_F(ConnectionTest, ReportsGarbage) {
    ASSERT_EQ(write(near_->fd(), "garbage\n", 8), 8);
    run_until([this] { return !closed_.empty(); });
    EXPECT_NE(closed_.find("opening brace"), std::string::npos) << closed_;
}

TEST_F(ConnectionTest, SendToAGonePeerReportsAndReturns) {
    far_.reset();
    bool closed = false;
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    close(pair[1]);
    Connection connection(loop_, UniqueFd(pair[0]),
                          {[](json, auto) {}, [&closed](auto&) { closed = true; }});
    connection.send({{"n", 1}});
    EXPECT_FALSE(closed);
    run_until([&closed] { return closed; });
}

}  // namespace
}  // namespace cpr::qmp
