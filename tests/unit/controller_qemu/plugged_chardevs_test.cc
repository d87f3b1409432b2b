// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/plugged_chardevs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "controller/qemu/guest.h"
#include "controller/qemu/start_plan.h"
#include "unit/controller/support.h"
#include "unit/controller_qemu/support.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

constexpr Version kVersion{11, 1, 3};
const char* const kId = "charchannel0";

json unix_server(const std::string& path) {
    return {{"type", "socket"},
            {"data",
             {{"addr", {{"type", "unix"}, {"data", {{"path", path}}}}},
              {"server", true},
              {"wait", false}}}};
}

json passed_server(const std::string& name) {
    return {{"type", "socket"},
            {"data",
             {{"addr", {{"type", "fd"}, {"data", {{"str", name}}}}},
              {"server", true},
              {"wait", false}}}};
}

json tcp_client(const std::string& port) {
    return {{"type", "socket"},
            {"data",
             {{"addr", {{"type", "inet"}, {"data", {{"host", "127.0.0.1"}, {"port", port}}}}},
              {"server", false},
              {"reconnect-ms", 0}}}};
}

// Takes them, if they are all that is there.
bool has_sent(int fd, const std::string& bytes) {
    std::array<char, 64> buffer{};
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_PEEK);
    return std::string(buffer.data(), got < 0 ? 0 : static_cast<size_t>(got)) == bytes &&
           recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT) == got;
}

bool is_at_end(int fd) {
    char byte = 0;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

// A guest whose QEMU the test is.
class PluggedChardevsTest : public LoopTest {
  protected:
    PluggedChardevsTest() {
        guest_.set_sender([this](Message command) { own_.push_back(std::move(command)); });
    }

    // QEMU answers by `answer_`, which libvirt gets as it is then. Returns what QEMU got.
    json exchange(const char* name, const json& arguments, UniqueFd descriptor = {}) {
        Message message{{{"execute", name}, {"arguments", arguments}}, {}};
        if (descriptor)
            message.fds.push_back(std::move(descriptor));
        const auto ticket = guest_.on_command(message);
        guest_.on_answer(ticket, answer_);
        return message.body;
    }
    json plug(const json& backend, const char* id = kId) {
        return exchange("chardev-add", {{"id", id}, {"backend", backend}});
    }
    void unplug(const char* id = kId) { exchange("chardev-remove", {{"id", id}}); }
    Arguments blockers() const {
        Arguments texts;
        for (const Blocker& blocker : guest_.blockers())
            texts.push_back(blocker.id + ": " + blocker.reason.english());
        return texts;
    }
    Guest::Start next() { return guest_.next_start("/q", 77, "/c"); }
    std::string next_option(const char* id = kId) {
        return argument_of(ArgumentModel::parse(next().arguments), "chardev", id);
    }
    // QEMU's end of the last that was plugged.
    int qemus() const { return own_.back().fds.at(0).get(); }
    void expect_connected(int user) {
        ASSERT_EQ(write(user, "in", 2), 2);
        run_until([&] { return has_sent(qemus(), "in"); });
        ASSERT_EQ(write(qemus(), "out", 3), 3);
        run_until([&] { return has_sent(user, "out"); });
    }

    const TestFolder folder_;
    const std::string path_ = folder_.path("s");
    std::vector<Message> own_;
    Message answer_{{{"return", json::object()}}, {}};
    Guest guest_{loop_, line(kVersion), {kVersion, {}, {}, {}}};
};

TEST_F(PluggedChardevsTest, AServerIsTheControllersAndQemuHasOneEnd) {
    json backend = unix_server(path_);
    backend["data"]["logfile"] = "/log";
    backend["data"]["logappend"] = true;
    const json got = plug(backend);
    ASSERT_EQ(own_.size(), 1U);
    EXPECT_EQ(own_[0].body["execute"], "getfd");
    const std::string name = own_[0].body["arguments"]["fdname"];
    EXPECT_EQ(got["arguments"], (json{{"id", kId},
                                      {"backend",
                                       {{"type", "socket"},
                                        {"data",
                                         {{"addr", {{"type", "fd"}, {"data", {{"str", name}}}}},
                                          {"server", false},
                                          {"logfile", "/log"},
                                          {"logappend", true}}}}}}));
    EXPECT_EQ(blockers(), Arguments{});
    const Guest::Start start = next();
    ASSERT_EQ(start.chardevs.size(), 1U);
    EXPECT_EQ(argument_of(ArgumentModel::parse(start.arguments), "chardev", kId),
              fmt::format("socket,id={},fd={},logappend=on,logfile=/log,server=off", kId,
                          start.chardevs.at(kId).get()));
    const UniqueFd user = connect_to(path_);
    expect_connected(user.get());
    unplug();
    EXPECT_TRUE(is_at_end(user.get()));
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_TRUE(next().chardevs.empty());
    EXPECT_EQ(own_.size(), 1U);
}

TEST_F(PluggedChardevsTest, ItsUserStaysWhenAnotherQemuHasTheGuest) {
    plug(unix_server(path_));
    const UniqueFd user = connect_to(path_);
    Guest::Start start = next();
    guest_.hold_chardevs();
    guest_.taken_over(kVersion, nullptr);
    ASSERT_EQ(write(user.get(), "in", 2), 2);
    run_until([&] { return has_sent(start.chardevs.at(kId).get(), "in"); });
    EXPECT_FALSE(is_at_end(user.get()));
}

TEST_F(PluggedChardevsTest, WhatLibvirtHasPassedIsTakenFromQemu) {
    exchange("getfd", {{"fdname", "source"}}, listen_at(path_));
    const json got = plug(passed_server("source"));
    EXPECT_EQ(own_.at(0).body["arguments"]["fdname"], "source");
    EXPECT_EQ(got["arguments"]["backend"]["data"]["addr"]["data"]["str"], "source");
    EXPECT_TRUE(guest_.named_descriptors().empty());
    EXPECT_EQ(blockers(), Arguments{});
    const Guest::Start start = next();
    EXPECT_EQ(start.descriptors, (std::vector{start.chardevs.at(kId).get(), 77}));
    const UniqueFd user = connect_to(path_);
    expect_connected(user.get());
    unplug();
    EXPECT_TRUE(is_at_end(user.get()));
}

TEST_F(PluggedChardevsTest, LibvirtLearnsOfTheTerminalThatIsOurs) {
    plug({{"type", "pty"}, {"data", json::object()}}, "charua-mine");
    const std::string path = answer_.body["return"]["pty"];
    const UniqueFd user(open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(user);
    ASSERT_EQ(write(user.get(), "in", 2), 2);
    run_until([&] { return has_sent(qemus(), "in"); });
    EXPECT_EQ(blockers(), Arguments{});
}

TEST_F(PluggedChardevsTest, AClientIsConnectedOnce) {
    UniqueFd server = listen_at(path_);
    json backend = unix_server(path_);
    backend["data"]["server"] = false;
    backend["data"].erase("wait");
    plug(backend, "charserial1");
    const UniqueFd peer(accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
    expect_connected(peer.get());
    EXPECT_EQ(blockers(), Arguments{});
}

TEST_F(PluggedChardevsTest, WhatQemuRefusesIsNotThere) {
    const Message refusal{{{"error", {{"class", "GenericError"}, {"desc", "no"}}}}, {}};
    answer_.body = refusal.body;
    plug(unix_server(path_));
    ASSERT_EQ(own_.size(), 2U);
    EXPECT_EQ(own_[1].body["execute"], "closefd");
    EXPECT_EQ(own_[1].body["arguments"], own_[0].body["arguments"]);
    EXPECT_EQ(answer_.body, refusal.body);
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_EQ(blockers(), Arguments{});
    EXPECT_TRUE(next().chardevs.empty());
    // libvirt itself takes back what it has given.
    answer_.body = {{"return", json::object()}};
    exchange("getfd", {{"fdname", "source"}}, listen_at(path_));
    answer_.body = refusal.body;
    plug(passed_server("source"));
    EXPECT_EQ(own_.size(), 3U);
}

TEST_F(PluggedChardevsTest, ASecondOfTheSameIdTouchesNothing) {
    plug(unix_server(path_));
    const UniqueFd user = connect_to(path_);
    expect_connected(user.get());
    answer_.body = {{"error", {{"class", "GenericError"}, {"desc", "duplicate"}}}};
    EXPECT_EQ(plug(unix_server(path_))["arguments"]["backend"], unix_server(path_));
    EXPECT_TRUE(std::filesystem::exists(path_));
    EXPECT_FALSE(is_at_end(user.get()));
    // Also before the first has been answered.
    Message first{
        {{"execute", "chardev-add"},
         {"arguments", {{"id", "charchannel1"}, {"backend", unix_server(folder_.path("t"))}}}},
        {}};
    Message second{first.body, {}};
    guest_.on_command(first);
    guest_.on_command(second);
    EXPECT_EQ(own_.size(), 2U);
    EXPECT_EQ(second.body["arguments"]["backend"]["data"]["addr"]["type"], "unix");
}

TEST_F(PluggedChardevsTest, WhatMayBeUsedForMoreThanBytesStaysQemus) {
    for (const char* id : {"charnet0", "chr-vu-fs0", "charua-mine"}) {
        EXPECT_EQ(plug(unix_server(path_), id)["arguments"]["backend"], unix_server(path_));
        ASSERT_EQ(blockers().size(), 1U);
        EXPECT_NE(blockers()[0].find("<alias>"), std::string::npos) << blockers()[0];
        unplug(id);
        EXPECT_EQ(blockers(), Arguments{});
    }
    EXPECT_TRUE(own_.empty());
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(PluggedChardevsTest, QemuSaysWhyAnAddressCannotBeOpened) {
    for (const json& backend :
         {unix_server("/nowhere/s"), tcp_client("none"), passed_server("unknown")}) {
        EXPECT_EQ(plug(backend)["arguments"]["backend"], backend);
        unplug();
    }
    EXPECT_TRUE(own_.empty());
}

TEST_F(PluggedChardevsTest, KindsThatTheNextOpensAsTheFirstDidStay) {
    answer_.body = {{"return", {{"fdset-id", 5}, {"fd", 12}}}};
    exchange("add-fd", {{"fdset-id", 5}}, dup_fd(STDERR_FILENO));
    answer_.body = {{"return", json::object()}};
    const json file{{"type", "file"}, {"data", {{"out", "/dev/fdset/5"}, {"append", true}}}};
    const json null{{"type", "null"}, {"data", json::object()}};
    EXPECT_EQ(plug(file)["arguments"]["backend"], file);
    EXPECT_EQ(plug(null, "charserial1")["arguments"]["backend"], null);
    EXPECT_EQ(blockers(), Arguments{});
    EXPECT_EQ(next_option(), "file,id=charchannel0,append=on,path=/dev/fdset/5");
    EXPECT_EQ(next_option("charserial1"), "null,id=charserial1");
}

TEST_F(PluggedChardevsTest, WhatIsChangedIsNoLongerOurs) {
    plug(unix_server(path_));
    const UniqueFd user = connect_to(path_);
    expect_connected(user.get());
    exchange("chardev-change",
             {{"id", kId}, {"backend", {{"type", "null"}, {"data", json::object()}}}});
    EXPECT_TRUE(is_at_end(user.get()));
    EXPECT_EQ(next_option(), fmt::format("null,id={}", kId));
}

}  // namespace
}  // namespace cpr::controller::qemu
