// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/open_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "controller/qemu/descriptors.h"
#include "unit/controller_qemu/support.h"

namespace cpr::controller::qemu {
namespace {

TEST(OpenFiles, AreInheritedOrEndWithTheProgram) {
    const UniqueFd closing = open_file("/dev/null", O_RDONLY);
    const UniqueFd leaking = open_file("/dev/null", O_RDONLY);
    set_cloexec(leaking.get(), false);
    const OpenFiles files = open_files(getpid());
    EXPECT_TRUE(files.closing.contains(closing.get()));
    EXPECT_TRUE(files.inherited.contains(leaking.get()));
    EXPECT_FALSE(files.closing.contains(leaking.get()));
    EXPECT_FALSE(files.closing.contains(0) || files.inherited.contains(0));
}

TEST(OpenFiles, OfNoProcessCannotBeListed) {
    EXPECT_THROW(open_files(1 << 30), Error);
}

TEST(OpenFiles, NumbersBesideThemAreNoneOfThem) {
    const OpenFiles files{{3, 10, 65, 66}, {64, 67, 200}};
    const std::map<int, int> expected{{5, 130}, {3, 131}, {9, 132}};
    EXPECT_EQ(number_beside(files, {5, 3, 5, 9}), expected);
}

TEST(OpenFiles, TheCommandLineHasTheirNumbersEverywhere) {
    ArgumentModel line = model_of({"-add-fd", "set=1,fd=7,opaque=a", "-netdev",
                                   R"({"type":"tap","fds":"8:9","vhostfds":"5:6","id":"n"})",
                                   "-chardev", "socket,id=c,fd=4", "-device",
                                   "virtio-rng-pci,id=r,addr=0x4", "-netdev", "tap,id=m,fd=3"});
    renumber(line, {{3, 63}, {4, 64}, {5, 65}, {6, 66}, {7, 67}, {8, 68}, {9, 69}});
    EXPECT_EQ(line.find("chardev", "c")->value("fd"), "64");
    EXPECT_EQ(line.all("add-fd").front()->value("fd"), "67");
    EXPECT_EQ(line.find("netdev", "n")->value("fds"), "68:69");
    EXPECT_EQ(line.find("netdev", "n")->value("vhostfds"), "65:66");
    EXPECT_EQ(line.find("netdev", "m")->value("fd"), "63");
    EXPECT_EQ(line.find("device", "r")->argument(), "virtio-rng-pci,id=r,addr=0x4");
}

}  // namespace
}  // namespace cpr::controller::qemu
