// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/vhost.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/controller_qemu/support.h"

namespace cpr::controller::qemu {
namespace {

// Opens for reading and writing, as the real one does.
constexpr const char* kDevice = "/dev/null";

TEST(Vhost, EachQemuGetsDescriptorsOfItsOwn) {
    ArgumentModel line = model_of(
        {"-netdev", R"({"type":"tap","fd":"30","vhost":true,"vhostfd":"31","id":"one"})", "-netdev",
         "tap,fds=32:33,vhost=on,vhostfds=34:35,id=two", "-netdev", "user,id=three"});
    const auto opened = reopen_vhost(line, kDevice);
    ASSERT_EQ(opened.size(), 3u);
    for (const UniqueFd& fd : opened)
        EXPECT_NE(fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(line.find("netdev", "one")->value("vhostfd"), std::to_string(opened[0].get()));
    EXPECT_EQ(line.find("netdev", "one")->value("fd"), "30");
    EXPECT_EQ(line.find("netdev", "two")->value("vhostfds"),
              fmt::format("{}:{}", opened[1].get(), opened[2].get()));
    EXPECT_EQ(line.find("netdev", "two")->value("fds"), "32:33");
}

TEST(Vhost, OnlyPassedDescriptorsAreReplaced) {
    ArgumentModel line = model_of({"-netdev", "tap,fd=30,vhost=on,id=n"});
    EXPECT_FALSE(has_passed_vhost(line));
    EXPECT_TRUE(reopen_vhost(line, kDevice).empty());
    EXPECT_EQ(argument_of(line, "netdev", "n"), "tap,fd=30,vhost=on,id=n");
    EXPECT_TRUE(has_passed_vhost(model_of({"-netdev", "tap,fd=3,vhost=on,vhostfd=4,id=n"})));
    EXPECT_TRUE(has_passed_vhost(model_of({"-netdev", "tap,fds=3,vhost=on,vhostfds=4,id=n"})));
}

TEST(Vhost, ADeviceThatIsNotThereIsTold) {
    EXPECT_EQ(vhost_problem(kDevice), std::nullopt);
    EXPECT_EQ(vhost_problem("/dev/absent")->english(),
              "cannot open '/dev/absent': No such file or directory");
    ArgumentModel line = model_of({"-netdev", "tap,fd=30,vhost=on,vhostfd=31,id=n"});
    EXPECT_THROW(reopen_vhost(line, "/dev/absent"), Error);
}

}  // namespace
}  // namespace cpr::controller::qemu
