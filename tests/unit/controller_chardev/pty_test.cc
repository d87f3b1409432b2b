// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <gtest/gtest.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "unit/controller_chardev/devices_fixture.h"

namespace cpr::controller {
namespace {

class PtyDevice : public DevicesTest {
  protected:
    void SetUp() override { start_one("pty,id=c"); }
};

TEST_F(PtyDevice, HasATerminalThatPassesBytesAsTheyAre) {
    EXPECT_TRUE(name().starts_with("pty:/dev/pts/")) << name();
    TestEnd user = open_pty();
    expect_connected(qemu(), user);
    const std::string special("\r\n\x03\x04\x11\x13\x1a\xff\0x", 10);
    write_all_of(qemu(), special);
    expect_arrival(user, special);
    write_all_of(user, special);
    expect_arrival(qemu(), special);
    termios settings{};
    ASSERT_EQ(tcgetattr(user.fd(), &settings), 0);
    EXPECT_EQ(settings.c_lflag & (ECHO | ICANON | ISIG), 0U);
}

TEST_F(PtyDevice, NeverStopsAGuestWithoutAUser) {
    write_all_of(qemu(), numbered(4 << 20));
    settle();
    TestEnd user = open_pty();
    expect_connected(qemu(), user);
    user.close();
    write_all_of(qemu(), numbered(4 << 20));
    settle();
    user = open_pty();
    expect_connected(qemu(), user);
}

TEST_F(PtyDevice, StopsAGuestWhoseUserDoesNotRead) {
    TestEnd user = open_pty();
    expect_connected(qemu(), user);
    user.got.clear();
    const std::string bytes = numbered(4 << 20);
    size_t sent = 0;
    for (int i = 0; i < 1000; ++i) {
        sent += qemu().write(std::string_view(bytes).substr(sent));
        loop_.iterate(false);
    }
    EXPECT_LT(sent, bytes.size());
    expect_arrival(user, bytes.substr(0, sent));
}

TEST_F(PtyDevice, ServesOneUserAfterTheOther) {
    const std::string first_name = name();
    for (int i = 0; i < 3; ++i) {
        TestEnd user = open_pty();
        expect_connected(qemu(), user);
        user.close();
        wait();
        EXPECT_EQ(name(), first_name);
    }
}

TEST_F(PtyDevice, TakesWhatAUserLeftWhoIsGone) {
    wait();
    TestEnd user = open_pty();
    EXPECT_EQ(user.write("left"), 4U);
    user.close();
    expect_arrival(qemu(), "left");
}

TEST_F(PtyDevice, GivesAUserNothingOfTheTimeBefore) {
    wait();
    write_all_of(qemu(), "before");
    settle();
    TestEnd user = open_pty();
    write_all_of(qemu(), "after");
    expect_arrival(user, "after");
}

TEST_F(PtyDevice, StaysOverASwitchWithAndWithoutAUser) {
    const std::string first_name = name();
    TestEnd user = open_pty();
    for (const bool with_user : {true, false, true}) {
        if (!with_user)
            user.close();
        wait();
        auto next = devices_->make_next();
        devices_->hold();
        wait();
        devices_->switch_over();
        qemu_["c"] = TestEnd(std::move(next["c"]));
        EXPECT_EQ(name(), first_name);
        if (!with_user)
            user = open_pty();
        expect_connected(qemu(), user);
    }
}

TEST_F(PtyDevice, RestsWithoutAUser) {
    TestEnd user = open_pty();
    expect_connected(qemu(), user);
    user.close();
    wait();
    expect_rest();
}

TEST_F(PtyDevice, EndsWithTheGuest) {
    TestEnd user = open_pty();
    expect_connected(qemu(), user);
    devices_.reset();
    EXPECT_TRUE(user.at_end());
}

class PtyLink : public DevicesTest {};

TEST_F(PtyLink, LeadsToTheTerminalAndGoesWithIt) {
    const std::string link = folder_.path("link");
    start_one("pty,id=c,path=" + link);
    EXPECT_EQ("pty:" + std::filesystem::read_symlink(link).string(), name());
    devices_.reset();
    EXPECT_FALSE(std::filesystem::is_symlink(link));
}

TEST_F(PtyLink, IsNotMadeOverWhatIsThere) {
    const std::string link = folder_.file("link", "a file");
    EXPECT_THROW(start_one("pty,id=c,path=" + link), Error);
    EXPECT_EQ(read_file(link), "a file");
}

}  // namespace
}  // namespace cpr::controller
