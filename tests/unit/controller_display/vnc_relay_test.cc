// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/display/vnc_relay.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "controller/chardev/sockets.h"
#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

class VncRelayTest : public LoopTest {
  protected:
    VncRelayTest() {
        VncPlan plan;
        plan.listeners = open_listeners({path_, "", ""});
        plan.bound_path = path_;
        plan.folder = folder_.path(".");
        first_ = listen_for_relay(plan.inner_path());
        second_ = listen_for_relay(plan.inner_path(true));
        relay_ = std::make_unique<VncRelay>(loop_, std::move(plan));
    }

    // As a QEMU listens.
    static UniqueFd listen_for_relay(const std::string& path) {
        return std::move(open_listeners({path, "", ""}).front());
    }
    // What QEMU gets of a viewer.
    UniqueFd accept_at(const UniqueFd& listener) {
        UniqueFd fd;
        run_until([&] {
            fd.reset(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            loop_.post([] {});
            return bool(fd);
        });
        return fd;
    }
    bool none_comes(const UniqueFd& listener) {
        settle();
        return accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK) < 0;
    }
    void expect_connected(const UniqueFd& from, const UniqueFd& to) {
        ASSERT_EQ(send(from.get(), "hello", 5, MSG_NOSIGNAL), 5);
        std::array<char, 16> buffer{};
        ssize_t got = 0;
        run_until([&] {
            got = recv(to.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            loop_.post([] {});
            return got >= 0;
        });
        EXPECT_EQ(std::string(buffer.data(), static_cast<size_t>(got)), "hello");
    }
    void expect_end(const UniqueFd& fd) {
        run_until([&] {
            char byte = 0;
            loop_.post([] {});
            return recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 0;
        });
    }

    const TestFolder folder_;
    const std::string path_ = folder_.path("vnc.sock");
    // Of two QEMUs.
    UniqueFd first_;
    UniqueFd second_;
    std::unique_ptr<VncRelay> relay_;
};

TEST_F(VncRelayTest, ServesSeveralViewers) {
    const UniqueFd one = connect_to(path_);
    const UniqueFd qemu_of_one = accept_at(first_);
    const UniqueFd two = connect_to(path_);
    const UniqueFd qemu_of_two = accept_at(first_);
    expect_connected(one, qemu_of_one);
    expect_connected(qemu_of_two, two);
    expect_connected(qemu_of_one, one);
}

TEST_F(VncRelayTest, ViewersOfTheOldQemuAreDisconnectedAndNewOnesServedByTheNext) {
    const UniqueFd before = connect_to(path_);
    const UniqueFd old_qemu = accept_at(first_);
    relay_->hold();
    const UniqueFd meanwhile = connect_to(path_);
    EXPECT_TRUE(none_comes(first_));
    expect_connected(old_qemu, before);
    EXPECT_EQ(relay_->next_path(), folder_.path("./vnc1"));
    relay_->switch_over();
    expect_end(before);
    expect_end(old_qemu);
    const UniqueFd qemu = accept_at(second_);
    expect_connected(qemu, meanwhile);
    EXPECT_TRUE(none_comes(first_));
    EXPECT_EQ(relay_->next_path(), folder_.path("./vnc0"));
    relay_->hold();
    relay_->switch_over();
    expect_end(meanwhile);
    const UniqueFd after = connect_to(path_);
    expect_connected(accept_at(first_), after);
}

TEST_F(VncRelayTest, AFailedUpdateDisturbsNobody) {
    const UniqueFd before = connect_to(path_);
    const UniqueFd qemu = accept_at(first_);
    relay_->hold();
    const UniqueFd meanwhile = connect_to(path_);
    relay_->go_on_with_old();
    expect_connected(before, qemu);
    expect_connected(accept_at(first_), meanwhile);
    EXPECT_TRUE(none_comes(second_));
}

TEST_F(VncRelayTest, AViewerWaitsForAQemuThatDoesNotListenYet) {
    first_.reset();
    std::filesystem::remove(folder_.path("vnc0"));
    const UniqueFd viewer = connect_to(path_);
    settle();
    first_ = listen_for_relay(folder_.path("vnc0"));
    expect_connected(accept_at(first_), viewer);
}

TEST_F(VncRelayTest, AViewerFromLibvirtIsAViewerAsAnyOther) {
    auto [outside, passed] = socket_pair();
    const UniqueFd qemu = relay_->take_viewer(std::move(passed));
    expect_connected(outside, qemu);
    expect_connected(qemu, outside);
    relay_->hold();
    relay_->switch_over();
    expect_end(outside);
}

TEST_F(VncRelayTest, QemusNamesBecomeAddresses) {
    const TestFolder folder;
    VncPlan plan;
    plan.listeners = open_listeners({"", "127.0.0.1", "0"});
    const SocketName display = own_name(plan.listeners[0].get());
    plan.folder = folder.path(".");
    const UniqueFd qemus = listen_for_relay(plan.inner_path());
    const std::string qemus_path = plan.inner_path();
    VncRelay relay(loop_, std::move(plan));
    const UniqueFd viewer = open_connection({"", "127.0.0.1", display.port});
    const UniqueFd qemu = accept_at(qemus);
    const json told{
        {"client",
         {{"family", "unix"}, {"host", ""}, {"service", peer_name(qemu.get()).path}, {"x", 1}}},
        {"server", {{{"family", "unix"}, {"host", ""}, {"service", qemus_path}}}},
        {"other", {{"family", "unix"}, {"host", ""}, {"service", "/some/path"}}}};
    json edited = told;
    relay.edit_addresses(edited);
    EXPECT_EQ(edited["client"], (json{{"family", "ipv4"},
                                      {"host", "127.0.0.1"},
                                      {"service", own_name(viewer.get()).port},
                                      {"x", 1}}));
    EXPECT_EQ(edited["server"][0],
              (json{{"family", "ipv4"}, {"host", "127.0.0.1"}, {"service", display.port}}));
    EXPECT_EQ(edited["other"], told["other"]);
    relay.forget_viewer(told);
    edited = told;
    relay.edit_addresses(edited);
    EXPECT_EQ(edited["client"], told["client"]);
}

TEST_F(VncRelayTest, LeavesNothingBehind) {
    const UniqueFd viewer = connect_to(path_);
    const UniqueFd qemu = accept_at(first_);
    relay_.reset();
    expect_end(viewer);
    EXPECT_FALSE(std::filesystem::exists(path_));
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path(".")))
        EXPECT_TRUE(entry.path().filename().string().starts_with("vnc")) << entry.path();
}

}  // namespace
}  // namespace cpr::controller
