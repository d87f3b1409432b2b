// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/guest.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "controller/qemu/start_plan.h"
#include "unit/controller/support.h"
#include "unit/controller_qemu/support.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

constexpr Version kVersion{11, 1, 3};

UniqueFd some_fd() {
    return dup_fd(STDERR_FILENO);
}

Message command(const char* name, const json& arguments, size_t descriptors = 0) {
    Message message{{{"execute", name}, {"arguments", arguments}}, {}};
    for (size_t i = 0; i < descriptors; ++i)
        message.fds.push_back(some_fd());
    return message;
}

class GuestTest : public testing::Test {
  protected:
    void exchange(Message message, const json& result = json::object()) {
        const auto ticket = guest_.on_command(message);
        Message answer{{{"return", result}}, {}};
        guest_.on_answer(ticket, answer);
    }
    Arguments blockers() const {
        Arguments ids;
        for (const Blocker& blocker : guest_.blockers())
            ids.push_back(blocker.id);
        return ids;
    }
    static bool has(const Arguments& arguments, const std::string& part) {
        return std::ranges::any_of(arguments, [&](const std::string& argument) {
            return argument.find(part) != std::string::npos;
        });
    }

    EventLoop loop_;
    Guest guest_{loop_, line(kVersion), {kVersion, {}, {}, {}}};
};

TEST_F(GuestTest, OfLibvirtsDefaultMemoryCanBeUpdated) {
    EXPECT_EQ(blockers(), Arguments{});
    EXPECT_EQ(guest_.machine_type(), "pc-q35-10.0");
}

TEST_F(GuestTest, TheNextLineWaitsForTheGuest) {
    const Guest::Start start = guest_.next_start("/usr/bin/next", 77, "/run/x/cpr");
    EXPECT_EQ(start.arguments.front(), "/usr/bin/next");
    EXPECT_TRUE(has(start.arguments, "socket,id=charmonitor,fd=77"));
    EXPECT_FALSE(has(start.arguments, "fd=40"));
    EXPECT_TRUE(has(start.arguments, "defer"));
    EXPECT_TRUE(has(start.arguments, "/run/x/cpr"));
    EXPECT_TRUE(has(start.arguments, "memory-backend-memfd"));
    EXPECT_EQ(start.descriptors, std::vector<int>{77});
}

TEST_F(GuestTest, DescriptorsAreKeptAsLongAsTheyAreUsed) {
    exchange(command("add-fd", {{"fdset-id", 5}}, 1), {{"fdset-id", 5}, {"fd", 12}});
    const Guest::Start start = guest_.next_start("/q", 77, "/c");
    ASSERT_EQ(start.descriptors.size(), 2u);
    EXPECT_TRUE(has(start.arguments, "set=5,fd=" + std::to_string(start.descriptors[0])));
    EXPECT_GE(fcntl(start.descriptors[0], F_GETFD), 0);
    exchange(command("remove-fd", {{"fdset-id", 5}}));
    EXPECT_LT(fcntl(start.descriptors[0], F_GETFD), 0);
    EXPECT_EQ(guest_.next_start("/q", 77, "/c").descriptors, std::vector<int>{77});
}

TEST_F(GuestTest, NamedDescriptorsGoToTheNext) {
    exchange(command("getfd", {{"fdname", "net"}}, 1));
    const auto named = guest_.named_descriptors();
    ASSERT_EQ(named.size(), 1u);
    EXPECT_GE(fcntl(named.at("net"), F_GETFD) & FD_CLOEXEC, 1);
}

TEST_F(GuestTest, ACommandWithoutAnAnswerMayChangeIt) {
    Message message = command("device_add", {{"driver", "virtio-rng-pci"}, {"id", "rng"}});
    const auto ticket = guest_.on_command(message);
    EXPECT_TRUE(guest_.has_command_under_way());
    EXPECT_EQ(blockers(), Arguments{kCommandPendingBlocker});
    Message answer{{{"return", json::object()}}, {}};
    guest_.on_answer(ticket, answer);
    EXPECT_FALSE(guest_.has_command_under_way());
    EXPECT_EQ(blockers(), Arguments{});
    EXPECT_TRUE(has(guest_.next_start("/q", 77, "/c").arguments, "virtio-rng-pci"));
}

TEST_F(GuestTest, WhatAJobDoesToDisksIsNoRiddle) {
    const LiveAnswers live{
        json::array(), {{{"node-name", "#block1"}, {"drv", "mirror_top"}}}, json::array()};
    EXPECT_EQ(guest_.compare(live).size(), 1u);
    exchange(command("blockdev-mirror", {{"job-id", "j"}, {"device", "d"}, {"target", "t"}}));
    EXPECT_EQ(blockers(), Arguments{kJobBlocker});
    EXPECT_TRUE(guest_.compare(live).empty());
}

TEST_F(GuestTest, PluggedMemoryIsShared) {
    Message message = command(
        "object-add", {{"qom-type", "memory-backend-ram"}, {"id", "dimm"}, {"size", 1048576}});
    guest_.on_command(message);
    EXPECT_EQ(message.body["arguments"]["qom-type"], "memory-backend-memfd");
    EXPECT_EQ(message.body["arguments"]["share"], true);
}

TEST_F(GuestTest, APassthroughDeviceThatTheFirstProcessHoldsCannotBeUnplugged) {
    const auto plug = [this](const char* id) {
        exchange(
            command("device_add", {{"driver", "vfio-pci"}, {"host", "0000:00:05.0"}, {"id", id}}));
    };
    Message first = command("device_del", {{"id", "hostdev0"}});
    Message later = command("device_del", {{"id", "hostdev1"}});
    plug("hostdev0");
    EXPECT_NO_THROW(guest_.on_command(first));
    guest_.taken_over(kVersion, nullptr);
    EXPECT_THROW(guest_.on_command(first), Error);
    plug("hostdev1");
    // What the second held has ended with it.
    guest_.taken_over(kVersion, nullptr);
    EXPECT_NO_THROW(guest_.on_command(later));
    EXPECT_THROW(guest_.on_command(first), Error);
}

TEST_F(GuestTest, AnUpdatesOwnMigrationIsNone) {
    exchange(command("migrate", {{"uri", "tcp:other:1"}}));
    EXPECT_EQ(blockers(), Arguments{kJobBlocker});
    const auto watch = std::make_shared<RunWatch>();
    Message event{{{"event", "MIGRATION"}, {"data", {{"status", "failed"}}}}, {}};
    guest_.watch(watch);
    guest_.on_event(event);
    EXPECT_EQ(watch->seen().migration, "failed");
    EXPECT_EQ(blockers(), Arguments{kJobBlocker});
    guest_.watch(nullptr);
    guest_.on_event(event);
    EXPECT_EQ(blockers(), Arguments{});
}

TEST(QemuGuest, ConsolesThatWereUnpluggedAreNotHandedOver) {
    Arguments arguments = line(kVersion);
    arguments.insert(arguments.end(), {"-chardev", "pty,id=charserial0"});
    StartPlan plan = plan_start(arguments, kVersion, "/run/x");
    EventLoop loop;
    Guest guest(loop, plan.arguments, {kVersion, {}, std::move(plan.chardevs), {}});
    EXPECT_TRUE(guest.blockers().empty());
    EXPECT_EQ(guest.next_start("/q", 77, "/c").chardevs.size(), 1u);
    Message message = command("chardev-remove", {{"id", "charserial0"}});
    Message answer{{{"return", json::object()}}, {}};
    guest.on_answer(guest.on_command(message), answer);
    EXPECT_TRUE(guest.next_start("/q", 77, "/c").chardevs.empty());
    EXPECT_TRUE(guest.blockers().empty());
}

// With a VNC display at a path of its own.
class GuestWithDisplay : public testing::Test {
  protected:
    GuestWithDisplay() {
        Arguments arguments = line(kVersion);
        arguments.insert(arguments.end(),
                         {"-vnc", "unix:" + folder_.path("vnc"), "-display", "none"});
        StartPlan plan = plan_start(arguments, kVersion, folder_.path("g"));
        guest_ = std::make_unique<Guest>(loop_, plan.arguments,
                                         Guest::Beginning{kVersion, {}, {}, std::move(plan.vnc)});
    }
    std::string next_display() {
        const Arguments next = guest_->next_start("/q", 77, "/c").arguments;
        return *std::next(std::ranges::find(next, "-vnc"));
    }

    const TestFolder folder_;
    EventLoop loop_;
    std::unique_ptr<Guest> guest_;
};

TEST_F(GuestWithDisplay, EachQemuHasAPathThatTheOneBeforeHasNot) {
    EXPECT_TRUE(guest_->blockers().empty());
    EXPECT_EQ(next_display(), "unix:" + folder_.path("g/vnc1"));
    guest_->hold_chardevs();
    guest_->give_chardevs_back();
    EXPECT_EQ(next_display(), "unix:" + folder_.path("g/vnc1"));
    guest_->taken_over(kVersion, nullptr);
    EXPECT_EQ(next_display(), "unix:" + folder_.path("g/vnc0"));
    EXPECT_TRUE(guest_->blockers().empty());
    EXPECT_TRUE(std::filesystem::exists(folder_.path("vnc")));
    guest_->end();
    EXPECT_FALSE(std::filesystem::exists(folder_.path("vnc")));
}

TEST_F(GuestWithDisplay, LibvirtHearsOfTheRealAddress) {
    const json inner{{"family", "unix"}, {"host", ""}, {"service", folder_.path("g/vnc0")}};
    const json outer{{"family", "unix"}, {"host", ""}, {"service", folder_.path("vnc")}};
    Message query = command("query-vnc", json::object());
    Message answer{{{"return", inner}}, {}};
    guest_->on_answer(guest_->on_command(query), answer);
    EXPECT_EQ(answer.body["return"], outer);
    Message event{{{"event", "VNC_DISCONNECTED"}, {"data", {{"server", inner}}}}, {}};
    guest_->on_event(event);
    EXPECT_EQ(event.body["data"]["server"], outer);
}

TEST_F(GuestWithDisplay, AViewerThatLibvirtPassesIsConnectedToTheController) {
    Message getfd = command("getfd", {{"fdname", "graphicsfd"}});
    auto [outside, passed] = socket_pair();
    const int number = passed.get();
    getfd.fds.push_back(std::move(passed));
    guest_->on_command(getfd);
    ASSERT_EQ(getfd.fds.size(), 1u);
    EXPECT_NE(getfd.fds[0].get(), number);
    ASSERT_EQ(write(outside.get(), "x", 1), 1);
    char byte = 0;
    while (recv(getfd.fds[0].get(), &byte, 1, MSG_DONTWAIT) != 1)
        loop_.iterate(true);
    EXPECT_EQ(byte, 'x');
    Message other = command("getfd", {{"fdname", "other"}}, 1);
    const int kept = other.fds[0].get();
    guest_->on_command(other);
    EXPECT_EQ(other.fds[0].get(), kept);
}

TEST(QemuGuest, ADisplayThatQemuHasItselfIsABlocker) {
    for (const char* display : {"127.0.0.1:9,websocket=5709", "127.0.0.1:9,sasl=on"}) {
        Arguments arguments = line(kVersion);
        arguments.insert(arguments.end(), {"-vnc", display});
        StartPlan plan = plan_start(arguments, kVersion, "/run/x");
        EventLoop loop;
        const Guest guest(loop, plan.arguments, {kVersion, {}, {}, std::move(plan.vnc)});
        ASSERT_EQ(guest.blockers().size(), 1u);
        EXPECT_EQ(guest.blockers()[0].id, kDisplayBlocker);
    }
}

TEST(QemuGuest, ALineThatCannotBeReadIsABlocker) {
    EventLoop loop;
    Guest guest(loop, {"qemu", "-no-such-option", "x"}, {kVersion, {}, {}, {}});
    ASSERT_EQ(guest.blockers().size(), 1u);
    EXPECT_EQ(guest.blockers()[0].id, kCommandLineBlocker);
    Message message = command("device_add", {{"driver", "x"}});
    const auto ticket = guest.on_command(message);
    Message answer{{{"return", json::object()}}, {}};
    guest.on_answer(ticket, answer);
    EXPECT_EQ(guest.machine_type(), "");
}

TEST(QemuGuest, PrivateMemoryIsFoundAgain) {
    EventLoop loop;
    const Guest guest(loop,
                      {"qemu", "-machine", "pc-q35-10.0,memory-backend=pc.ram", "-object",
                       "memory-backend-file,id=pc.ram,size=1M,mem-path=/etc/passwd"},
                      {kVersion, {}, {}, {}});
    EXPECT_EQ(guest.blockers().at(0).id, kMemoryBlocker);
}

// --- The start

TEST(StartPlan, WhatCannotBeReadStaysAsItIs) {
    const Arguments odd{"qemu", "-machine", "q35", "-no-such-option", "x"};
    EXPECT_EQ(plan_start(odd, kVersion, "/run/x").arguments, odd);
}

TEST(StartPlan, AnOldQemuIsStartedAsLibvirtWantsIt) {
    const Arguments plain{"qemu", "-machine", "pc-q35-9.0,memory-backend=pc.ram", "-object",
                          "memory-backend-ram,id=pc.ram,size=1M"};
    EXPECT_EQ(plan_start(plain, {9, 2, 0}, "/run/x").arguments, plain);
    EXPECT_NE(plan_start(plain, kVersion, "/run/x").arguments, plain);
}

TEST(StartPlan, DescriptorsThatAreCloseOnExecAreNotInherited) {
    const UniqueFd hidden = some_fd();
    const UniqueFd open_one(dup(STDERR_FILENO));
    const auto found = inheritable_descriptors();
    EXPECT_TRUE(std::ranges::find(found, open_one.get()) != found.end());
    EXPECT_TRUE(std::ranges::find(found, hidden.get()) == found.end());
    EXPECT_TRUE(std::ranges::is_sorted(found));
}

}  // namespace
}  // namespace cpr::controller::qemu
