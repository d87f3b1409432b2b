// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/transfer_checks.h"

#include <gtest/gtest.h>

#include "unit/controller_qemu/support.h"

namespace cpr::controller::qemu {
namespace {

constexpr Version kVersion{11, 1, 3};

Arguments found(const Arguments& arguments, const Version& version = kVersion) {
    Arguments ids;
    for (const Blocker& blocker : check_transfer(model_of(arguments), version)) {
        EXPECT_FALSE(blocker.reason.english().empty());
        EXPECT_FALSE(blocker.remedy.english().empty());
        ids.push_back(blocker.id);
    }
    return ids;
}

TEST(TransferChecks, APlainGuestHasNone) {
    EXPECT_EQ(found({"-netdev", R"({"type":"tap","fd":"30","id":"net0"})", "-device",
                     R"({"driver":"virtio-net-pci","netdev":"net0","id":"nic0"})", "-netdev",
                     R"({"type":"tap","fd":"30","vhost":true,"vhostfd":"31","id":"n"})", "-display",
                     "none", "-vnc", "none"}),
              Arguments{});
}

TEST(TransferChecks, VfioTakesANewerQemu) {
    const Arguments line{"-device", R"({"driver":"vfio-pci","host":"0000:01:00.0","id":"h"})"};
    EXPECT_EQ(found(line, {10, 0, 2}), Arguments{kTooOldBlocker});
    EXPECT_EQ(found(line, {10, 1, 0}), Arguments{});
    EXPECT_EQ(found({}, {9, 2, 0}), Arguments{kTooOldBlocker});
    EXPECT_EQ(found({}, {10, 0, 0}), Arguments{});
}

TEST(TransferChecks, VhostInAnotherProcessServesOneQemu) {
    for (const char* netdev : {R"({"type":"vhost-user","chardev":"c","id":"n"})",
                               R"({"type":"vhost-vdpa","vhostdev":"/dev/vhost-vdpa-0","id":"n"})"})
        EXPECT_EQ(found({"-netdev", netdev}), Arguments{kVhostBlocker}) << netdev;
    EXPECT_EQ(found({"-device", "vhost-user-fs-pci,chardev=c,id=fs"}), Arguments{kVhostBlocker});
    EXPECT_EQ(found({"-device", "vhost-vsock-pci,guest-cid=3,vhostfd=5"}),
              Arguments{kVhostBlocker});
}

TEST(TransferChecks, ATapOfQemusOwnCannotBeOpenedTwice) {
    EXPECT_EQ(found({"-netdev", "tap,id=n,ifname=tap0,script=no"}), Arguments{kTapBlocker});
    EXPECT_EQ(found({"-netdev", R"({"type":"tap","id":"n","ifname":"tap0"})"}),
              Arguments{kTapBlocker});
}

TEST(TransferChecks, ConnectionsOfQemusOwnEndWithIt) {
    for (const char* netdev :
         {"user,id=n", R"({"type":"stream","addr":{"type":"unix","path":"/run/passt"},"id":"n"})",
          "socket,id=n,listen=:1234", "vde,id=n"})
        EXPECT_EQ(found({"-netdev", netdev}), Arguments{kNetworkBlocker}) << netdev;
    EXPECT_EQ(found({"-netdev", "hubport,id=n,hubid=0"}), Arguments{});
}

TEST(TransferChecks, DisplaysHaveOthersConnected) {
    EXPECT_EQ(found({"-spice", "port=5900,addr=127.0.0.1"}), Arguments{kDisplayBlocker});
    EXPECT_EQ(found({"-display", "gtk"}), Arguments{kDisplayBlocker});
}

TEST(TransferChecks, OtherProcessesHoldState) {
    EXPECT_EQ(found({"-device", "vfio-pci,sysfsdev=/sys/bus/mdev/devices/x,id=h"}),
              Arguments{kMdevBlocker});
    EXPECT_EQ(found({"-device", "vfio-pci,fd=20"}), Arguments{kNotReproducibleBlocker});
    EXPECT_EQ(found({"-tpmdev", "emulator,id=tpm0,chardev=chrtpm"}), Arguments{kTpmBlocker});
}

TEST(TransferChecks, AllAreFoundAtOnce) {
    EXPECT_EQ(found({"-spice", "port=5900", "-netdev", "tap,id=n"}, {9, 0, 0}),
              (Arguments{kTooOldBlocker, kTapBlocker, kDisplayBlocker}));
}

Arguments found_for_exec(const Arguments& arguments, bool confined = true,
                         const Version& version = kVersion) {
    Arguments ids;
    for (const Blocker& blocker : check_exec(model_of(arguments), version, confined))
        ids.push_back(blocker.id);
    return ids;
}

TEST(ExecChecks, TakeAQemuThatExecutes) {
    EXPECT_EQ(found_for_exec({}, false), Arguments{});
    EXPECT_EQ(found_for_exec({}, true, {10, 1, 9}), Arguments{kTooOldBlocker});
    EXPECT_EQ(found_for_exec({}, true, {10, 2, 0}), Arguments{});
}

TEST(ExecChecks, APassthroughDeviceThatCouldNotBeBroughtBackIsRefused) {
    const Arguments device{"-device", R"({"driver":"vfio-pci","host":"0000:01:00.0","id":"h"})"};
    EXPECT_EQ(found_for_exec(device), Arguments{});
    EXPECT_EQ(found_for_exec(device, false), Arguments{kExecDeviceBlocker});
    Arguments translated = device;
    translated.insert(translated.end(), {"-device", "intel-iommu,id=i"});
    EXPECT_EQ(found_for_exec(translated), Arguments{kExecDeviceBlocker});
    EXPECT_EQ(found_for_exec({"-device", "intel-iommu,id=i"}), Arguments{});
    EXPECT_EQ(found_for_exec({"-device", "vfio-pci,fd=30,id=h"}), Arguments{kExecDeviceBlocker});
    Arguments other = device;
    other.insert(other.end(), {"-object", R"({"qom-type":"iommufd","id":"i"})"});
    EXPECT_EQ(found_for_exec(other), Arguments{kExecDeviceBlocker});
}

}  // namespace
}  // namespace cpr::controller::qemu
