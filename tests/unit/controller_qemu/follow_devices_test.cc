// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit/controller_qemu/follower_fixture.h"

namespace cpr::controller::qemu {
namespace {

using FollowDevices = FollowerTest;

TEST_F(FollowDevices, WhatIsPluggedInIsOnTheCommandLineInOrder) {
    start({"-device", "pcie-root-port,id=pci.1"});
    run("object-add", {{"qom-type", "rng-random"}, {"id", "r0"}, {"filename", "/dev/urandom"}});
    run("device_add", {{"driver", "virtio-rng-pci"}, {"id", "rng0"}, {"rng", "r0"}});
    run("device_add", {{"driver", "usb-mouse"}, {"id", "m"}});
    EXPECT_EQ(arguments(),
              (Arguments{"-device", "pcie-root-port,id=pci.1", "-object",
                         R"({"filename":"/dev/urandom","id":"r0","qom-type":"rng-random"})",
                         "-device", R"({"driver":"virtio-rng-pci","id":"rng0","rng":"r0"})",
                         "-device", R"({"driver":"usb-mouse","id":"m"})"}));
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowDevices, ADeviceIsThereUntilQemuSaysThatItIsGone) {
    start({"-device", "e1000,id=n0", "-device", "e1000,id=n1"});
    run("device_del", {{"id", "n0"}});
    EXPECT_NE(argument("device", "n0"), "");
    event("DEVICE_DELETED", {{"device", "n0"}, {"path", "/machine/peripheral/n0"}});
    EXPECT_EQ(arguments(), (Arguments{"-device", "e1000,id=n1"}));
    event("DEVICE_DELETED", {{"path", "/machine/unattached/x"}});
    event("DEVICE_UNPLUG_GUEST_ERROR", {{"device", "n1"}});
    EXPECT_EQ(arguments(), (Arguments{"-device", "e1000,id=n1"}));
}

TEST_F(FollowDevices, WhatFailsChangesNothing) {
    fail("device_add", {{"driver", "e1000"}, {"id", "n0"}});
    fail("frobnicate", {});
    fail("object-add", {{"qom-type", "memory-backend-ram"}, {"id", "m"}});
    EXPECT_TRUE(arguments().empty());
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowDevices, ACommandWithoutAnswerIsABlocker) {
    const auto change = follower_.on_command({{"execute", "device_add"}});
    const auto question = follower_.on_command({{"execute", "query-status"}});
    EXPECT_EQ(blockers(), Arguments{kCommandPendingBlocker});
    follower_.on_answer(question, {{"return", json::object()}});
    follower_.on_answer(change, {{"error", json::object()}});
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowDevices, ADeviceWithoutIdCannotBeFollowed) {
    run("device_add", {{"driver", "e1000"}});
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
}

TEST_F(FollowDevices, AnInterfaceTakesItsDescriptorsByName) {
    run("getfd", {{"fdname", "a"}}, json::object(), 1);
    run("getfd", {{"fdname", "b"}}, json::object(), 1);
    EXPECT_EQ(follower_.named_descriptors().size(), 2U);
    run("netdev_add", {{"type", "tap"}, {"id", "h"}, {"fds", "a:b"}});
    EXPECT_EQ(argument("netdev", "h"), R"({"fds":"101:102","id":"h","type":"tap"})");
    EXPECT_TRUE(follower_.named_descriptors().empty());
    EXPECT_EQ(follower_.live_descriptors(), (std::set<Serial>{1, 2}));
    EXPECT_TRUE(blockers().empty());
    run("netdev_del", {{"id", "h"}});
    EXPECT_TRUE(follower_.live_descriptors().empty());
    EXPECT_TRUE(arguments().empty());
}

TEST_F(FollowDevices, ADescriptorThatIsNotKnownIsABlockerUntilUnplugged) {
    run("netdev_add", {{"type", "tap"}, {"id", "h"}, {"fd", "nobody"}});
    EXPECT_EQ(blockers(), Arguments{kDescriptorBlocker});
    run("netdev_del", {{"id", "h"}});
    EXPECT_TRUE(blockers().empty());
    run("netdev_add", {{"type", "stream"}, {"id", "s"}, {"addr", {{"type", "fd"}, {"str", "x"}}}});
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
    run("netdev_del", {{"id", "s"}});
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowDevices, ANameIsGoneWhenItIsClosedOrTaken) {
    run("getfd", {{"fdname", "a"}}, json::object(), 1);
    run("getfd", {{"fdname", "a"}}, json::object(), 1);
    EXPECT_EQ(follower_.live_descriptors(), std::set<Serial>{2});
    run("closefd", {{"fdname", "a"}});
    EXPECT_TRUE(follower_.live_descriptors().empty());
    run("getfd", {{"fdname", "m"}}, json::object(), 1);
    run("migrate", {{"uri", "fd:m"}});
    run("getfd", {{"fdname", "c"}}, json::object(), 1);
    run("add_client", {{"protocol", "vnc"}, {"fdname", "c"}});
    EXPECT_TRUE(follower_.live_descriptors().empty());
}

TEST_F(FollowDevices, SetsOfDescriptorsAreCountedByNumber) {
    start({"-add-fd", "set=0,fd=31", "-chardev", "file,id=c,path=/dev/fdset/0"});
    run("add-fd", {{"fdset-id", 1}, {"opaque", "a,b"}}, {{"fdset-id", 1}, {"fd", 40}}, 1);
    run("add-fd", {{"fdset-id", 1}}, {{"fdset-id", 1}, {"fd", 41}}, 1);
    EXPECT_EQ(follower_.last_serials(), std::vector<Serial>{2});
    EXPECT_EQ(arguments(),
              (Arguments{"-add-fd", "set=0,fd=31", "-chardev", "file,id=c,path=/dev/fdset/0",
                         "-add-fd", "set=1,fd=101,opaque=a,,b", "-add-fd", "set=1,fd=102"}));
    run("remove-fd", {{"fdset-id", 1}, {"fd", 40}});
    EXPECT_EQ(follower_.live_descriptors(), std::set<Serial>{2});
    run("remove-fd", {{"fdset-id", 1}});
    EXPECT_TRUE(follower_.live_descriptors().empty());
    EXPECT_TRUE(blockers().empty());
    run("remove-fd", {{"fdset-id", 0}});
    EXPECT_EQ(blockers(), Arguments{kDescriptorBlocker});
    run("chardev-remove", {{"id", "c"}});
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowDevices, WhichOfTheStartsDescriptorsIsMeantIsNoGuess) {
    start({"-add-fd", "set=0,fd=31", "-add-fd", "set=0,fd=32", "-add-fd", "set=1,fd=33"});
    run("remove-fd", {{"fdset-id", 1}, {"fd", 9}});
    EXPECT_TRUE(blockers().empty());
    EXPECT_EQ(line().all("add-fd").size(), 2U);
    run("remove-fd", {{"fdset-id", 0}, {"fd", 7}});
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
}

TEST_F(FollowDevices, CharacterDevicesAreWrittenAsTheCommandLineHasThem) {
    const auto add = [this](const char* type, const json& data) {
        run("chardev-add", {{"id", "c"}, {"backend", {{"type", type}, {"data", data}}}});
        const std::string text = argument("chardev", "c");
        run("chardev-remove", {{"id", "c"}});
        return text;
    };
    run("getfd", {{"fdname", "s"}}, json::object(), 1);
    EXPECT_EQ(add("socket", {{"addr", {{"type", "fd"}, {"data", {{"str", "s"}}}}},
                             {"server", true},
                             {"wait", false}}),
              "socket,id=c,fd=101,server=on,wait=off");
    EXPECT_EQ(
        add("socket", {{"addr", {{"type", "inet"}, {"data", {{"host", "::1"}, {"port", "5"}}}}},
                       {"telnet", true},
                       {"server", false},
                       {"reconnect-ms", 20}}),
        "socket,id=c,host=::1,port=5,reconnect-ms=20,server=off,telnet=on");
    // The monitor's defaults are not the command line's.
    EXPECT_EQ(add("socket", {{"addr", {{"type", "unix"}, {"data", {{"path", "/a,b"}}}}}}),
              "socket,id=c,path=/a,,b,server=on,wait=off");
    EXPECT_EQ(
        add("socket", {{"addr", {{"type", "fd"}, {"data", {{"str", "7"}}}}}, {"server", false}}),
        "socket,id=c,fd=7,server=off");
    EXPECT_EQ(add("file", {{"out", "/dev/fdset/3"}, {"append", true}}),
              "file,id=c,append=on,path=/dev/fdset/3");
    EXPECT_EQ(add("pty", json::object()), "pty,id=c");
    EXPECT_EQ(add("spicevmc", {{"type", "vdagent"}, {"logfile", "/l"}}),
              "spicevmc,id=c,logfile=/l,name=vdagent");
    EXPECT_EQ(add("udp", {{"remote", {{"type", "inet"}, {"data", {{"host", "h"}, {"port", "1"}}}}},
                          {"local", {{"type", "inet"}, {"data", {{"host", "l"}, {"port", "2"}}}}}}),
              "udp,id=c,localaddr=l,localport=2,host=h,port=1");
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowDevices, ACharacterDeviceThatHasNoLikeIsABlockerWhileItIsThere) {
    for (const json& backend :
         {json{{"type", "mux"}, {"data", {{"chardev", "x"}}}},
          json{{"type", "socket"}, {"data", {{"addr", {{"type", "vsock"}, {"data", {}}}}}}},
          json{{"type", "pty"}, {"data", {{"new-one", 1}}}}}) {
        run("chardev-add", {{"id", "c"}, {"backend", backend}});
        EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker}) << backend;
        run("chardev-remove", {{"id", "c"}});
        EXPECT_TRUE(blockers().empty());
    }
}

TEST_F(FollowDevices, AChangedCharacterDeviceIsTheNewOne) {
    start({"-chardev", "socket,id=c,path=/a"});
    run("chardev-change", {{"id", "c"}, {"backend", {{"type", "null"}, {"data", json::object()}}}});
    EXPECT_EQ(arguments(), (Arguments{"-chardev", "null,id=c"}));
}

TEST_F(FollowDevices, MemoryThatIsPluggedInUnsharedIsABlocker) {
    run("object-add", {{"qom-type", "memory-backend-ram"}, {"id", "m"}, {"size", 1}});
    EXPECT_EQ(blockers(), Arguments{kMemoryBlocker});
    run("object-del", {{"id", "m"}});
    EXPECT_TRUE(blockers().empty());
    run("object-add", {{"qom-type", "memory-backend-memfd"},
                       {"id", "m"},
                       {"size", 1},
                       {"share", true},
                       {"x-use-canonical-path-for-ramblock-id", false}});
    EXPECT_TRUE(blockers().empty());
    EXPECT_NE(argument("object", "m"), "");
}

}  // namespace
}  // namespace cpr::controller::qemu
