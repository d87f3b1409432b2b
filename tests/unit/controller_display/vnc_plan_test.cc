// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/display/vnc_plan.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "controller/chardev/socket_names.h"
#include "controller/chardev/sockets.h"
#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

using Arguments = std::vector<std::string>;

class VncPlanTest : public testing::Test {
  protected:
    VncPlan plan(const std::string& vnc) {
        line_ = qemu::ArgumentModel::parse({"qemu", "-vnc", vnc});
        return plan_vnc(line_, "/run/g");
    }
    std::string written() { return line_.write().at(2); }
    std::string reason(const std::string& vnc) {
        line_ = qemu::ArgumentModel::parse({"qemu", "-vnc", vnc});
        return reason_against_vnc(*line_.all("vnc").front()).english();
    }

    const TestFolder folder_;
    qemu::ArgumentModel line_ = qemu::ArgumentModel::parse({"qemu"});
};

// Of a display that nobody has.
int free_display() {
    const auto listeners = open_listeners({"", "127.0.0.1", "0"});
    for (int port = 5900 + 20000; port < 65000; ++port) {
        try {
            open_listeners({"", "127.0.0.1", std::to_string(port)});
            return port - 5900;
        } catch (const Error&) {
            continue;
        }
    }
    return -1;
}

TEST_F(VncPlanTest, ThePortIsTheControllersAndTheRestStaysQemus) {
    const int display = free_display();
    const VncPlan made =
        plan(fmt::format("127.0.0.1:{},password=on,audiodev=audio1,share=ignore", display));
    ASSERT_EQ(made.listeners.size(), 1u);
    const SocketName name = own_name(made.listeners[0].get());
    EXPECT_EQ(name.host, "127.0.0.1");
    EXPECT_EQ(name.port, std::to_string(5900 + display));
    EXPECT_EQ(written(), "unix:/run/g/vnc0,password=on,audiodev=audio1,share=ignore");
    EXPECT_EQ(made.bound_path, "");
    EXPECT_EQ(made.for_controller(), std::vector<int>{made.listeners[0].get()});
    EXPECT_TRUE(fcntl(made.listeners[0].get(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(VncPlanTest, APathIsBound) {
    const std::string path = folder_.path("vnc,1.sock");
    const VncPlan made = plan("vnc=unix:" + folder_.path("vnc,,1.sock"));
    ASSERT_EQ(made.listeners.size(), 1u);
    EXPECT_EQ(made.bound_path, path);
    EXPECT_TRUE(std::filesystem::is_socket(path));
    EXPECT_EQ(written(), "vnc=unix:/run/g/vnc0");
}

TEST_F(VncPlanTest, TheVersionOfIpIsObeyedAndNotPassedOn) {
    const VncPlan made = plan(fmt::format("localhost:{},ipv4=on,ipv6=off", free_display()));
    ASSERT_EQ(made.listeners.size(), 1u);
    EXPECT_EQ(own_name(made.listeners[0].get()).family, AF_INET);
    EXPECT_EQ(written(), "unix:/run/g/vnc0");
}

TEST_F(VncPlanTest, AnAddressThatIsTakenIsQemusToComplainOf) {
    const int display = free_display();
    const auto taken = open_listeners({"", "127.0.0.1", std::to_string(5900 + display)});
    const std::string option = fmt::format("127.0.0.1:{}", display);
    EXPECT_TRUE(plan(option).listeners.empty());
    EXPECT_EQ(written(), option);
}

TEST_F(VncPlanTest, WhatCannotBeRelayedIsLeftAloneAndHasAReason) {
    for (const char* option :
         {"127.0.0.1:7,websocket=5707", "127.0.0.1:7,websocket", "127.0.0.1:7,sasl=on",
          "127.0.0.1:5500,reverse=on", "127.0.0.1:7,to=99", "127.0.0.1", "127.0.0.1:x",
          "unix:", "127.0.0.1:59636"}) {
        EXPECT_TRUE(plan(option).listeners.empty()) << option;
        EXPECT_EQ(written(), option);
        EXPECT_NE(reason(option), "") << option;
    }
    EXPECT_NE(reason("127.0.0.1:7"), "") << "QEMU has it";
}

TEST_F(VncPlanTest, NoDisplayNeedsNothing) {
    for (const char* option : {"none", "none,password=on"}) {
        EXPECT_TRUE(plan(option).listeners.empty());
        EXPECT_EQ(written(), option);
        EXPECT_EQ(reason(option), "");
    }
    EXPECT_EQ(reason("127.0.0.1:7,sasl=off"), reason("127.0.0.1:7"));
}

TEST_F(VncPlanTest, ASecondDisplayIsNotExpected) {
    const Arguments arguments{"qemu", "-vnc", "127.0.0.1:7", "-vnc", "127.0.0.1:8"};
    line_ = qemu::ArgumentModel::parse(arguments);
    EXPECT_TRUE(plan_vnc(line_, "/run/g").listeners.empty());
    EXPECT_EQ(line_.write(), arguments);
}

TEST_F(VncPlanTest, WithoutAFolderItIsLeftAlone) {
    const Arguments arguments{"qemu", "-vnc", "unix:" + folder_.path("s")};
    line_ = qemu::ArgumentModel::parse(arguments);
    EXPECT_TRUE(plan_vnc(line_, "").listeners.empty());
    EXPECT_EQ(line_.write(), arguments);
}

TEST_F(VncPlanTest, ComesToTheControllerAsItWas) {
    VncPlan made = plan("unix:" + folder_.path("s"));
    const nlohmann::json written = to_json(made);
    const int listener = made.listeners[0].release();
    set_cloexec(listener, false);
    const VncPlan read = vnc_plan_from(nlohmann::json::parse(written.dump()));
    EXPECT_EQ(read.for_controller(), std::vector<int>{listener});
    EXPECT_EQ(read.bound_path, made.bound_path);
    EXPECT_EQ(read.folder, "/run/g");
    EXPECT_TRUE(fcntl(listener, F_GETFD) & FD_CLOEXEC);
    EXPECT_TRUE(vnc_plan_from(to_json(VncPlan())).listeners.empty());
}

TEST_F(VncPlanTest, WhatIsNoPlanIsRefused) {
    for (const char* text : {"1", "{}", R"({"listeners": 1, "bound-path": "", "folder": ""})",
                             R"({"listeners": ["x"], "bound-path": "", "folder": ""})",
                             R"({"listeners": [-1], "bound-path": "", "folder": ""})",
                             R"({"listeners": [], "bound-path": 1, "folder": ""})"})
        EXPECT_THROW(vnc_plan_from(nlohmann::json::parse(text)), Error) << text;
}

}  // namespace
}  // namespace cpr::controller
