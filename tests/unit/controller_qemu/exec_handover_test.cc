// SPDX-License-Identifier: LGPL-2.1-or-later
// The program that QEMU executes in an update, and what the controller tells it to become.
#include "controller/qemu/exec_handover.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"
#include "base/io.h"
#include "controller/qemu/exec_messages.h"
#include "unit/controller/support.h"

namespace cpr::controller::qemu {
namespace {

using namespace std::chrono_literals;

// What the process that the program becomes shows of its descriptors.
constexpr const char* kShow =
    "import os, sys\n"
    "names = {n: os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')\n"
    "         if int(n) > 2 and os.path.exists(f'/proc/self/fd/{n}')}\n"
    "open(sys.argv[1], 'w').write(' '.join(f'{n}={os.path.basename(names[n])}'\n"
    "                                      for n in sorted(names, key=int)))\n";

class ExecHandoverTest : public testing::Test {
  protected:
    // As QEMU does: with these of its descriptors open for the program.
    void start(const std::vector<std::pair<int, int>>& placed) {
        const Binary program = open_binary(TESTS_BUILDDIR "/../virt-cpr-qemu-exec");
        ProcessSpec spec;
        spec.binary = program.fd.get();
        spec.arguments = {"virt-cpr-qemu-exec", path_};
        spec.placed = placed;
        spec.environment = {std::string(kTableVariable) + "=21"};
        process_ = start_process(spec);
        handover_.accept(process_, 20s, [] {});
    }

    int end() {
        int status = -1;
        waitpid(static_cast<pid_t>(process_.pid), &status, 0);
        return status;
    }

    NextProgram next(std::vector<int> keep) {
        return {python_, arguments_, std::move(keep), placed_};
    }

    const TestFolder folder_;
    const std::string path_ = folder_.path("exec");
    ExecHandover handover_{path_};
    VmmProcess process_;
    const Binary python_ = open_binary("/usr/bin/python3");
    const std::string shown_ = folder_.path("shown");
    const std::vector<std::string> arguments_{"python3", "-c", kShow, shown_};
    const UniqueFd a_ = open_file(folder_.file("a", ""), O_RDONLY);
    const UniqueFd b_ = open_file(folder_.file("b", ""), O_RDONLY);
    const UniqueFd c_ = open_file(folder_.file("c", ""), O_RDONLY);
    std::vector<std::pair<int, int>> placed_;
};

TEST_F(ExecHandoverTest, AllIsHandedOverAndTheNextGetsWhatItIsGiven) {
    start({{a_.get(), 21}, {b_.get(), 9}, {c_.get(), 4}});
    const KeptGuest kept = handover_.receive(20s);
    EXPECT_EQ(kept.table, 21);
    ASSERT_TRUE(kept.fds.contains(9) && kept.fds.contains(4));
    EXPECT_NE(fcntl(kept.fds.at(9).get(), F_GETFD) & FD_CLOEXEC, 0);
    // Under numbers that the program itself may have in use.
    placed_ = {{c_.get(), 3}, {b_.get(), 5}, {a_.get(), 6}, {a_.get(), 4}};
    handover_.run(next({21, 9}));
    EXPECT_EQ(end(), 0) << handover_.complaint();
    EXPECT_EQ(read_file(shown_), "3=c 4=a 5=b 6=a 9=b 21=a");
}

// Each number is another's on the way at some time.
TEST_F(ExecHandoverTest, NoDescriptorTakesAnothersPlace) {
    start({{a_.get(), 21}});
    handover_.receive(20s);
    std::string expected = "21=a";
    const int fds[] = {a_.get(), b_.get(), c_.get()};
    for (int number = 30; number <= 60; ++number) {
        placed_.emplace(placed_.begin(), fds[number % 3], number);
        expected += fmt::format(" {}={}", number, "abc"[number % 3]);
    }
    handover_.run(next({21}));
    EXPECT_EQ(end(), 0) << handover_.complaint();
    EXPECT_EQ(read_file(shown_), expected);
}

TEST_F(ExecHandoverTest, WhatCannotBeIsToldAndTheProgramEnds) {
    start({{a_.get(), 21}});
    handover_.receive(20s);
    handover_.run(next({21, 30}));
    EXPECT_NE(end(), 0);
    EXPECT_EQ(handover_.complaint(), "descriptor 30 is to be kept and is not there");
}

TEST_F(ExecHandoverTest, AProgramThatCannotBeExecutedIsTold) {
    start({{a_.get(), 21}});
    handover_.receive(20s);
    const Binary none{"/etc/hostname", open_file(folder_.path("a"), O_RDONLY)};
    handover_.run({none, arguments_, {21}, placed_});
    EXPECT_NE(end(), 0);
    EXPECT_EQ(handover_.complaint(), "cannot execute 'python3': Permission denied");
}

TEST_F(ExecHandoverTest, WithoutATableThereIsNoGuest) {
    start({{a_.get(), 20}});
    EXPECT_THROW(handover_.receive(20s), Error);
    kill(static_cast<pid_t>(process_.pid), SIGKILL);
    end();
}

TEST_F(ExecHandoverTest, NobodyElseIsListenedTo) {
    const Binary program = open_binary(TESTS_BUILDDIR "/../virt-cpr-qemu-exec");
    ProcessSpec spec;
    spec.binary = program.fd.get();
    spec.arguments = {"virt-cpr-qemu-exec", path_};
    spec.environment = {std::string(kTableVariable) + "=21"};
    process_ = start_process(spec);
    const VmmProcess own{getpid(), UniqueFd()};
    EXPECT_THROW(handover_.accept(own, 500ms, [] {}), Error);
    EXPECT_NE(end(), 0);
}

}  // namespace
}  // namespace cpr::controller::qemu
