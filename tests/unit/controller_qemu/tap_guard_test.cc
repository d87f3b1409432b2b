// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/tap_guard.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <thread>

#include "controller/binary_info.h"
#include "controller/vmm_process.h"

namespace cpr::controller::qemu {
namespace {

// What a process under the guard sees of its ioctl on a file that is no tap device: 0 if it was
// answered, and errno of the kernel if it went through.
class TapGuardTest : public testing::Test {
  protected:
    void TearDown() override {
        loop_.post([this] { loop_.quit(); });
        thread_.join();
    }

    int ioctl_result(unsigned long command, uint64_t argument) {
        const Binary python = open_binary("/usr/bin/python3");
        ProcessSpec spec;
        spec.binary = python.fd.get();
        spec.arguments = {"python3", "-c",
                          fmt::format("import fcntl, os, sys\n"
                                      "try:\n"
                                      "    sys.exit(fcntl.ioctl(os.open('/dev/null', 0), {}, {}))\n"
                                      "except OSError as error:\n"
                                      "    sys.exit(error.errno)\n",
                                      command, argument)};
        spec.filter = TapGuard::filter();
        VmmProcess process = start_process(spec);
        loop_.post([&] { guard_.watch(std::move(process.listener), process.pidfd.get()); });
        int status = -1;
        waitpid(static_cast<pid_t>(process.pid), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    EventLoop loop_;
    TapGuard guard_{loop_};
    std::thread thread_{[this] { loop_.run(); }};
};

TEST_F(TapGuardTest, SettingsAreAnsweredAsDone) {
    EXPECT_EQ(ioctl_result(TUNSETVNETHDRSZ, 10), 0);
    EXPECT_EQ(ioctl_result(TUNSETOFFLOAD, 0), 0);
    EXPECT_EQ(ioctl_result(TUNSETQUEUE, 0), 0);
}

TEST_F(TapGuardTest, OtherCallsGoThrough) {
    EXPECT_EQ(ioctl_result(TUNGETFEATURES, 0), ENOTTY);
}

TEST_F(TapGuardTest, AllGoThroughOnceTheGuestHasCome) {
    loop_.post([this] { guard_.let_through(); });
    EXPECT_EQ(ioctl_result(TUNSETVNETHDRSZ, 10), ENOTTY);
    EXPECT_EQ(ioctl_result(TUNSETOFFLOAD, 0), ENOTTY);
}

TEST(TapDevices, AreThoseOfTheCommandLine) {
    const auto line = ArgumentModel::parse(
        {"qemu", "-netdev", "user,id=a", "-netdev", R"({"type":"tap","fd":"3","id":"b"})"});
    EXPECT_EQ(tap_devices(line), std::vector<std::string>{"b"});
}

}  // namespace
}  // namespace cpr::controller::qemu
