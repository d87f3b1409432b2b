// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/plan.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "unit/controller/support.h"
#include "unit/controller_chardev/command_lines.h"

namespace cpr::controller {
namespace {

std::vector<std::string> chardevs_of(const qemu::ArgumentModel& line) {
    std::vector<std::string> arguments;
    for (const qemu::Option* option : line.all("chardev"))
        arguments.push_back(option->argument());
    return arguments;
}

bool is_cloexec(int fd) {
    return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

struct Relayed {
    std::string option;
    // With {} for QEMU's end.
    std::string rewritten;
    OuterKind kind;
    SocketAddress address;
};

SocketAddress at_path(const std::string& path) {
    return {path, "", "", IpVersion::kAny, false};
}

class RelayedChardev : public testing::TestWithParam<Relayed> {};

TEST_P(RelayedChardev, IsAConnectedSocketOfQemus) {
    qemu::ArgumentModel line = line_with({GetParam().option});
    const ChardevPlan plan = plan_chardevs(line);
    ASSERT_EQ(plan.relayed.size(), 1U);
    EXPECT_TRUE(plan.not_kept.empty());
    const RelayedDevice& device = plan.relayed[0];
    EXPECT_EQ(device.id, "c");
    EXPECT_EQ(device.kind, GetParam().kind);
    EXPECT_EQ(device.address, GetParam().address);
    EXPECT_FALSE(device.passed);
    EXPECT_EQ(chardevs_of(line), std::vector{fmt::format(fmt::runtime(GetParam().rewritten),
                                                         device.pair.qemus.get())});
}

INSTANTIATE_TEST_SUITE_P(
    Options, RelayedChardev,
    testing::Values(
        Relayed{"pty,id=c", "socket,id=c,fd={}", OuterKind::kPty, {}},
        Relayed{"pty,path=/l,,k,id=c", "socket,id=c,fd={}", OuterKind::kPty, at_path("/l,k")},
        Relayed{"pty,id=c,logfile=/dev/fdset/1,logappend=on",
                "socket,id=c,fd={},logfile=/dev/fdset/1,logappend=on",
                OuterKind::kPty,
                {}},
        Relayed{"pty,id=c,mux=on,logfile=/a,,b",
                "socket,id=c,fd={},logfile=/a,,b,mux=on",
                OuterKind::kPty,
                {}},
        Relayed{"socket,id=c,path=/run/c,server=on,wait=off", "socket,id=c,fd={}",
                OuterKind::kServer, at_path("/run/c")},
        Relayed{"socket,id=c,path=/run/c,server,nowait", "socket,id=c,fd={}", OuterKind::kServer,
                at_path("/run/c")},
        Relayed{"socket,id=c,host=::1,port=45,server=on,wait=off,ipv6=on,nodelay=on,telnet=off",
                "socket,id=c,fd={}", OuterKind::kServer,
                SocketAddress{"", "::1", "45", IpVersion::kSix, true}},
        Relayed{"socket,id=c,host=,port=45,server=on,wait=off,ipv6=off", "socket,id=c,fd={}",
                OuterKind::kServer, SocketAddress{"", "", "45", IpVersion::kFour, false}},
        Relayed{"socket,id=c,path=/run/c,reconnect=0", "socket,id=c,fd={}", OuterKind::kClient,
                at_path("/run/c")},
        Relayed{"socket,id=c,host=h,port=p,ipv4=on,ipv6=on", "socket,id=c,fd={}",
                OuterKind::kClient, SocketAddress{"", "h", "p", IpVersion::kAny, false}}));

struct NotRelayed {
    std::string option;
    // A part of the reason; empty for none.
    std::string reason;
};

class ChardevThatStays : public testing::TestWithParam<NotRelayed> {};

TEST_P(ChardevThatStays, IsUnchangedAndListedIfTheNextQemuLosesIt) {
    qemu::ArgumentModel line = line_with({GetParam().option});
    const ChardevPlan plan = plan_chardevs(line);
    EXPECT_TRUE(plan.relayed.empty());
    EXPECT_EQ(chardevs_of(line), std::vector{GetParam().option});
    ASSERT_EQ(plan.not_kept.size(), GetParam().reason.empty() ? 0U : 1U);
    if (plan.not_kept.empty())
        return;
    EXPECT_EQ(plan.not_kept[0].id, "c");
    EXPECT_NE(plan.not_kept[0].reason.english().find(GetParam().reason), std::string::npos)
        << plan.not_kept[0].reason.english();
}

INSTANTIATE_TEST_SUITE_P(Kept, ChardevThatStays,
                         testing::Values(NotRelayed{"null,id=c", ""},
                                         NotRelayed{"null,id=c,logfile=/dev/fdset/1", ""},
                                         NotRelayed{"null,id=c,logfile=/l,logappend=on", ""},
                                         NotRelayed{"file,id=c,path=/f,append=on", ""},
                                         NotRelayed{"file,id=c,path=/dev/fdset/0", ""},
                                         NotRelayed{"qemu-vdagent,id=c,clipboard=on", ""},
                                         NotRelayed{"mux,id=c,chardev=d", ""}));

INSTANTIATE_TEST_SUITE_P(NotKept, ChardevThatStays,
                         testing::Values(NotRelayed{"null,id=c,logfile=/l", "logappend"},
                                         NotRelayed{"file,id=c,path=/f", "append is not on"},
                                         NotRelayed{"file,id=c,path=/f,append=on,input-path=/i",
                                                    "input"},
                                         NotRelayed{"stdio,id=c", "read from it"},
                                         NotRelayed{"pipe,id=c,path=/p", "read from it"},
                                         NotRelayed{"serial,id=c,path=/dev/ttyS0", "read from it"},
                                         NotRelayed{"ringbuf,id=c,size=16", "not in the state"},
                                         NotRelayed{"udp,id=c,host=h,port=1", "port"},
                                         NotRelayed{"spicevmc,id=c,name=vdagent", "SPICE"},
                                         NotRelayed{"spiceport,id=c,name=x", "SPICE"},
                                         NotRelayed{"dbus,id=c,name=x", "D-Bus"},
                                         NotRelayed{"of-tomorrow,id=c", "'of-tomorrow'"}));

INSTANTIATE_TEST_SUITE_P(
    Sockets, ChardevThatStays,
    testing::Values(NotRelayed{"socket,id=c,host=h,port=1,server=on,wait=off,telnet=on", "telnet"},
                    NotRelayed{"socket,id=c,host=h,port=1,server=on,wait=off,tn3270=on", "tn3270"},
                    NotRelayed{"socket,id=c,host=h,port=1,server=on,wait=off,websocket=on",
                               "websocket"},
                    NotRelayed{"socket,id=c,host=h,port=1,server=on,wait=off,tls-creds=t", "TLS"},
                    NotRelayed{"socket,id=c,path=/s,server=on,wait=on", "wait"},
                    NotRelayed{"socket,id=c,path=/s,server=on", "wait"},
                    NotRelayed{"socket,id=c,path=/s,reconnect=1", "reconnect"},
                    NotRelayed{"socket,id=c,path=/s,reconnect-ms=1", "reconnect"},
                    NotRelayed{"socket,id=c,path=s,abstract=on", "abstract"},
                    NotRelayed{"socket,id=c,host=h,port=1,to=9,server=on,wait=off", "range"},
                    NotRelayed{"socket,id=c,fd=name,server=on,wait=off", "'name'"},
                    NotRelayed{"socket,id=c,host=h", "no address"},
                    NotRelayed{"socket,id=c", "no address"}));

class FrontendOfAChardev : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(FrontendOfAChardev, CanBeAReasonAgainstARelay) {
    std::vector<std::string> arguments{"qemu", "-chardev", "socket,id=c,path=/s"};
    arguments.insert(arguments.end(), GetParam().begin(), GetParam().end());
    qemu::ArgumentModel line = qemu::ArgumentModel::parse(arguments);
    const ChardevPlan plan = plan_chardevs(line);
    EXPECT_TRUE(plan.relayed.empty());
    EXPECT_EQ(plan.not_kept.size(), 1U);
    EXPECT_EQ(line.write(), arguments);
}

using Words = std::vector<std::string>;

INSTANTIATE_TEST_SUITE_P(Options, FrontendOfAChardev,
                         testing::Values(Words{"-netdev", "vhost-user,id=n,chardev=c"},
                                         Words{"-netdev",
                                               R"({"type":"vhost-user","id":"n","chardev":"c"})"},
                                         Words{"-device", "vhost-user-fs-pci,chardev=c,tag=t"},
                                         Words{"-device", "ivshmem-doorbell,chardev=c"},
                                         Words{"-object", "cryptodev-vhost-user,id=o,chardev=c"},
                                         Words{"-tpmdev", "emulator,id=t,chardev=c"},
                                         Words{"-device", "usb-redir,chardev=c"},
                                         Words{"-device", "ccid-card-passthru,chardev=c"},
                                         Words{"-object", "monitor-qmp,id=m,chardev=c"},
                                         Words{"-mon", "chardev=c,mode=readline"},
                                         Words{"-qmp", "chardev:c"}, Words{"-gdb", "chardev:c"}));

TEST(ChardevPlan, HasWhatLibvirtPassed) {
    const TestFolder folder;
    UniqueFd listener = listen_at(folder.path("s"));
    set_cloexec(listener.get(), false);
    const int number = listener.release();
    qemu::ArgumentModel line =
        line_with({fmt::format("socket,id=c,fd={},server=on,wait=off", number)});
    {
        const ChardevPlan plan = plan_chardevs(line);
        ASSERT_EQ(plan.relayed.size(), 1U);
        EXPECT_EQ(plan.relayed[0].kind, OuterKind::kServer);
        EXPECT_EQ(plan.relayed[0].passed.get(), number);
        const std::vector<int> all = plan.for_controller();
        EXPECT_EQ(all.size(), 3U);
        EXPECT_TRUE(std::ranges::all_of(all, is_cloexec));
        EXPECT_EQ(plan.for_qemu(), std::vector{plan.relayed[0].pair.qemus.get()});
    }
    EXPECT_EQ(fcntl(number, F_GETFD), -1);
}

TEST(ChardevPlan, LeavesTheMonitorAndAllOtherOptionsAlone) {
    const std::vector<std::string> before{"qemu",
                                          "-chardev",
                                          "socket,id=charmonitor,fd=3,server=on,wait=off",
                                          "-mon",
                                          "chardev=charmonitor,id=monitor,mode=control",
                                          "-chardev",
                                          "pty,id=charserial0",
                                          "-device",
                                          R"({"driver":"isa-serial","chardev":"charserial0"})",
                                          "-chardev",
                                          "null,id=charnull"};
    qemu::ArgumentModel line = qemu::ArgumentModel::parse(before);
    const ChardevPlan plan = plan_chardevs(line);
    ASSERT_EQ(plan.relayed.size(), 1U);
    std::vector<std::string> expected = before;
    expected[6] = fmt::format("socket,id=charserial0,fd={}", plan.relayed[0].pair.qemus.get());
    EXPECT_EQ(line.write(), expected);
}

TEST(ChardevPlan, ListsWhatOldOptionsMake) {
    qemu::ArgumentModel line =
        qemu::ArgumentModel::parse({"qemu", "-serial", "pty", "-serial", "none", "-serial",
                                    "chardev:c", "-parallel", "null", "-debugcon", "stdio"});
    const ChardevPlan plan = plan_chardevs(line);
    ASSERT_EQ(plan.not_kept.size(), 2U);
    EXPECT_EQ(plan.not_kept[0].id, "-serial pty");
    EXPECT_EQ(plan.not_kept[1].id, "-debugcon stdio");
}

TEST(QemuEnds, ArePutIntoTheNextCommandLine) {
    qemu::ArgumentModel line =
        line_with({"pty,id=c", "pty,id=d,logfile=/l", "pty,id=e,logfile=/l,logappend=on,mux=on"});
    const ChardevPlan plan = plan_chardevs(line);
    std::map<std::string, UniqueFd> ends;
    for (const char* id : {"c", "d", "e"})
        ends[id] = plan.relayed[0].pair.qemus.dup();
    set_qemu_ends(line, ends);
    EXPECT_EQ(
        chardevs_of(line),
        (Words{fmt::format("socket,id=c,fd={}", ends["c"].get()),
               fmt::format("socket,id=d,fd={},logfile=/l,logappend=on", ends["d"].get()),
               fmt::format("socket,id=e,fd={},logfile=/l,logappend=on,mux=on", ends["e"].get())}));
    ends["f"] = plan.relayed[0].pair.qemus.dup();
    EXPECT_THROW(set_qemu_ends(line, ends), Error);
}

}  // namespace
}  // namespace cpr::controller
