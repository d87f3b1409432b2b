// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/command_line.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cpr::controller {
namespace {

using Arguments = std::vector<std::string>;

TEST(CommandLine, FindsAndReplacesTheMonitorOfMon) {
    const CommandLine line({"/usr/bin/virt-cpr-emulator", "-name", "guest=g1,debug-threads=on",
                            "-chardev", "socket,id=charmonitor,fd=28,server=on,wait=off", "-mon",
                            "chardev=charmonitor,id=monitor,mode=control", "-S"});
    EXPECT_EQ(line.monitor_fd(), 28);
    EXPECT_EQ(line.guest_name(), "g1");
    EXPECT_EQ(line.for_vmm("/usr/libexec/vmm", 4),
              (Arguments{"/usr/libexec/vmm", "-name", "guest=g1,debug-threads=on", "-chardev",
                         "socket,id=charmonitor,fd=4", "-mon",
                         "chardev=charmonitor,id=monitor,mode=control", "-S"}));
}

TEST(CommandLine, FindsTheMonitorOfAMonitorObject) {
    const Arguments arguments{
        "emu", "-chardev", "socket,fd=9,id=charmonitor,server=on,wait=off", "-object",
        R"({"qom-type":"monitor-qmp","id":"monitor","chardev":"charmonitor"})"};
    const CommandLine line(arguments);
    EXPECT_EQ(line.monitor_fd(), 9);
    EXPECT_EQ(line.for_vmm("vmm", 5)[4], arguments[4]);
}

TEST(CommandLine, LeavesOtherCharacterDevicesAlone) {
    const CommandLine line({"emu", "-chardev", "socket,id=charserial0,fd=7,server=on", "-chardev",
                            "file,id=c,path=/a,,id=charmonitor", "--chardev",
                            "socket,id=charmonitor,fd=8"});
    EXPECT_EQ(line.monitor_fd(), 8);
    EXPECT_EQ(line.for_vmm("vmm", 3)[2], "socket,id=charserial0,fd=7,server=on");
    EXPECT_EQ(line.for_vmm("vmm", 3)[4], "file,id=c,path=/a,,id=charmonitor");
}

TEST(CommandLine, AProbeHasNoMonitorOfLibvirts) {
    EXPECT_FALSE(CommandLine({"emu", "-help"}).monitor_fd());
    EXPECT_FALSE(CommandLine({"emu", "-version"}).monitor_fd());
    EXPECT_FALSE(CommandLine({"emu"}).monitor_fd());
    EXPECT_FALSE(CommandLine({"emu", "-S", "-machine", "none,accel=kvm:tcg", "-qmp",
                              "unix:/x/qmp.monitor,server=on,wait=off", "-daemonize"})
                     .monitor_fd());
    EXPECT_FALSE(CommandLine({"emu", "-chardev"}).monitor_fd());
}

class BadMonitor : public testing::TestWithParam<const char*> {};

TEST_P(BadMonitor, IsRefused) {
    try {
        CommandLine({"emu", "-chardev", GetParam()});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
        EXPECT_NE(error.message().find(GetParam()), std::string::npos) << error.message();
    }
}

INSTANTIATE_TEST_SUITE_P(Forms, BadMonitor,
                         testing::Values("socket,id=charmonitor,path=/run/monitor.sock,server=on",
                                         "socket,id=charmonitor,fd=x",
                                         "socket,id=charmonitor,fd=12x",
                                         "socket,id=charmonitor,fd=-1",
                                         "socket,id=charmonitor,fd=2", "pty,id=charmonitor",
                                         "socket,id=charmonitor,fd=99999999999",
                                         R"({"id":"charmonitor","backend":{"type":"socket"}})"));

TEST(CommandLine, RefusesTwoMonitors) {
    EXPECT_THROW(CommandLine({"emu", "-chardev", "socket,id=charmonitor,fd=8", "-chardev",
                              "socket,id=charmonitor,fd=9"}),
                 Error);
}

TEST(CommandLine, FindsTheNameInItsOldForm) {
    EXPECT_EQ(CommandLine({"emu", "-name", "g1,debug-threads=on"}).guest_name(), "g1");
    EXPECT_EQ(CommandLine({"emu", "-name"}).guest_name(), "");
}

TEST(Arguments, SurviveTheWayToTheController) {
    const Arguments arguments{"a", "", "b c\n", "{\"x\": 1}"};
    EXPECT_EQ(split_arguments(join_arguments(arguments)), arguments);
    EXPECT_TRUE(split_arguments("").empty());
    EXPECT_THROW(split_arguments("cut"), Error);
}

}  // namespace
}  // namespace cpr::controller
