// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/plan_json.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "unit/controller/support.h"
#include "unit/controller_chardev/command_lines.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

// As if this were the program that the controller's process is after an exec.
void forget_descriptors(ChardevPlan& plan) {
    for (RelayedDevice& device : plan.relayed)
        for (UniqueFd* fd : {&device.pair.ours, &device.pair.qemus, &device.passed})
            if (*fd)
                set_cloexec(fd->release(), false);
}

TEST(ChardevPlanJson, ComesBackAsItWas) {
    const TestFolder folder;
    const int listener = listen_at(folder.path("s")).release();
    qemu::ArgumentModel line =
        line_with({"pty,id=a,mux=on,path=/link",
                   fmt::format("socket,id=b,fd={},server=on,wait=off", listener),
                   "socket,id=c,host=h,port=1,ipv6=on,nodelay=on", "stdio,id=d"});
    ChardevPlan plan = plan_chardevs(line);
    const json written = to_json(plan);
    const std::string text = written.dump();
    const std::vector<int> descriptors = plan.for_controller();
    forget_descriptors(plan);

    const ChardevPlan read = chardev_plan_from(json::parse(text));
    EXPECT_EQ(to_json(read), written);
    ASSERT_EQ(read.relayed.size(), 3U);
    EXPECT_TRUE(read.relayed[0].mux);
    EXPECT_EQ(read.relayed[0].address.path, "/link");
    EXPECT_EQ(read.relayed[1].kind, OuterKind::kServer);
    EXPECT_EQ(read.relayed[1].passed.get(), listener);
    EXPECT_EQ(read.relayed[2].kind, OuterKind::kClient);
    EXPECT_EQ(read.relayed[2].address, (SocketAddress{"", "h", "1", IpVersion::kSix, true}));
    EXPECT_EQ(read.not_kept, plan.not_kept);
    EXPECT_EQ(read.for_controller(), descriptors);
    for (const int fd : descriptors)
        EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

// With descriptors of its own: what is refused may have been taken by then.
json plan_of_one() {
    qemu::ArgumentModel line = line_with({"pty,id=a"});
    ChardevPlan plan = plan_chardevs(line);
    json written = to_json(plan);
    forget_descriptors(plan);
    return written;
}

TEST(ChardevPlanJson, IsRefusedIfItIsNone) {
    EXPECT_THROW(chardev_plan_from(json::array()), Error);
    EXPECT_THROW(chardev_plan_from({{"relayed", json::array()}}), Error);
    const json good = plan_of_one();
    EXPECT_NO_THROW(chardev_plan_from(good));
    for (const auto& [key, value] : good["relayed"][0].items()) {
        json bad = plan_of_one();
        bad["relayed"][0].erase(key);
        EXPECT_THROW(chardev_plan_from(bad), Error) << key;
        bad = plan_of_one();
        bad["relayed"][0][key] = json::object();
        EXPECT_THROW(chardev_plan_from(bad), Error) << key;
    }
    json closed = plan_of_one();
    closed["relayed"][0]["ours"] = 1 << 20;
    EXPECT_THROW(chardev_plan_from(closed), Error);
}

}  // namespace
}  // namespace cpr::controller
