// SPDX-License-Identifier: LGPL-2.1-or-later
// A child process under a filter as the VMM's asks to execute programs, and the guard decides.
#include "controller/exec_guard.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "base/pidfd.h"
#include "unit/controller/support.h"

extern char** environ;

namespace cpr::controller {
namespace {

// The child says what became of it by its exit status.
constexpr int kDenied = 11;
constexpr int kFailed = 12;

struct Call {
    // What the descriptor is; empty for one that is not open.
    std::string file;
    const char* path = "";
    int flags = AT_EMPTY_PATH;
    bool with_thread = false;
    bool from_thread = false;
    bool joined_threads = false;
    // Threads begin and end all the time, and the call is made as often.
    bool fleeting_threads = false;
    // Signals interrupt the call all the time, and the kernel makes it again.
    bool signals = false;
    // It fails once after it has been permitted.
    bool fails_first = false;
};

void interrupt_all_the_time() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, nullptr);
    const itimerval timer{{0, 700}, {0, 700}};
    setitimer(ITIMER_REAL, &timer, nullptr);
}

int descriptor(const std::string& file) {
    return file.empty() ? 999 : open(file.c_str(), O_PATH);
}

// In the child: never returns.
void make_call(const Call& call, int fd) {
    char name[] = "program";
    char option[] = "--info";
    char* argv[] = {name, option, nullptr};
    const auto execute = [&] {
        execveat(fd, call.path, argv, environ, call.flags);
        _exit(errno == EPERM ? kDenied : kFailed);
    };
    if (call.signals)
        interrupt_all_the_time();
    if (call.fails_first)
        execveat(fd, call.path, reinterpret_cast<char* const*>(1), environ, call.flags);
    if (call.with_thread)
        std::thread([] { pause(); }).detach();
    for (int i = 0; call.joined_threads && i < 20; ++i)
        std::thread([] {}).join();
    if (call.fleeting_threads) {
        std::thread([] {
            for (;;)
                std::thread([] {}).join();
        }).detach();
        for (int i = 0; i < 3000; ++i)
            execveat(fd, call.path, argv, environ, call.flags);
    }
    if (call.from_thread)
        std::thread(execute).join();
    execute();
}

class ExecGuardTest : public LoopTest {
  protected:
    ~ExecGuardTest() override {
        if (child_ > 0) {
            kill(child_, SIGKILL);
            waitpid(child_, nullptr, 0);
        }
    }

    // Starts the child and gives its listener to the guard.
    void start(const Call& call) {
        const int fd = descriptor(call.file);
        auto [ours, theirs] = socket_pair();
        child_ = fork();
        ASSERT_GE(child_, 0);
        if (child_ == 0) {
            scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
            seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(execveat), 0);
            if (seccomp_load(filter) < 0)
                _exit(1);
            const int listener = seccomp_notify_fd(filter);
            char go = 0;
            if (write(theirs.get(), &listener, sizeof(listener)) < 0 ||
                read(theirs.get(), &go, 1) != 1)
                _exit(2);
            close(listener);
            dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
            make_call(call, fd);
        }
        if (fd >= 0 && !call.file.empty())
            close(fd);
        int number = -1;
        ASSERT_EQ(read(ours.get(), &number, sizeof(number)), ssize_t{sizeof(number)});
        pidfd_.reset(pidfd_open(child_, 0));
        UniqueFd listener(pidfd_getfd(pidfd_.get(), number, 0));
        ASSERT_TRUE(listener);
        guard_.watch(std::move(listener), child_);
        ASSERT_EQ(write(ours.get(), "", 1), 1);
    }

    // The child's wait status.
    int end() {
        int status = 0;
        const EventSource wake =
            loop_.watch_fd(pidfd_.get(), G_IO_IN, [](GIOCondition) { return false; });
        run_until([&] { return waitpid(child_, &status, WNOHANG) == child_; });
        child_ = -1;
        return status;
    }
    int exit_status() {
        const int status = end();
        EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
        return WEXITSTATUS(status);
    }
    int outcome(const Call& call) {
        start(call);
        return exit_status();
    }
    void order(const std::string& file) {
        guard_.order(std::make_shared<const Binary>(open_binary(file)));
    }

    const TestFolder folder_;
    const std::string next_ = folder_.program("next");
    const std::string other_ = folder_.program("other");
    ExecGuard guard_{loop_};
    pid_t child_ = -1;
    UniqueFd pidfd_;
};

TEST_F(ExecGuardTest, AllowsTheOrderedProgram) {
    order(next_);
    EXPECT_EQ(outcome({next_}), 0);
}

TEST_F(ExecGuardTest, KnowsTheFileWhateverItsNameSaysNow) {
    order(next_);
    rename(next_.c_str(), folder_.path("moved").c_str());
    rename(other_.c_str(), next_.c_str());
    EXPECT_EQ(outcome({next_}), kDenied);
    EXPECT_EQ(outcome({folder_.path("moved")}), 0);
}

TEST_F(ExecGuardTest, DeniesWithoutAnOrder) {
    EXPECT_EQ(outcome({next_}), kDenied);
    order(next_);
    guard_.order(nullptr);
    EXPECT_EQ(outcome({next_}), kDenied);
}

TEST_F(ExecGuardTest, DeniesAnotherFile) {
    order(next_);
    EXPECT_EQ(outcome({other_}), kDenied);
    EXPECT_EQ(outcome({""}), kDenied);
}

TEST_F(ExecGuardTest, DeniesAPathBesideTheDescriptor) {
    order(next_);
    EXPECT_EQ(outcome({.file = next_, .path = other_.c_str()}), kDenied);
    EXPECT_EQ(outcome({.file = next_, .path = next_.c_str(), .flags = 0}), kDenied);
}

TEST_F(ExecGuardTest, DeniesWhileThereAreOtherThreads) {
    order(next_);
    EXPECT_EQ(outcome({.file = next_, .with_thread = true}), kDenied);
    EXPECT_EQ(outcome({.file = next_, .from_thread = true}), kDenied);
}

TEST_F(ExecGuardTest, AllowsOneExecutionAnOrder) {
    order(next_);
    EXPECT_EQ(outcome({next_}), 0);
    EXPECT_EQ(outcome({next_}), kDenied);
    order(next_);
    EXPECT_EQ(outcome({next_}), 0);
}

// The timer then ends the program that has no handler any more.
TEST_F(ExecGuardTest, ACallThatWasInterruptedIsMadeAgain) {
    for (int i = 0; i < 100; ++i) {
        order(next_);
        start({.file = next_, .signals = true});
        const int status = end();
        ASSERT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == kDenied) << "try " << i;
    }
}

TEST_F(ExecGuardTest, AnExecutionThatHasFailedIsMadeAgain) {
    order(next_);
    EXPECT_EQ(outcome({.file = next_, .fails_first = true}), 0);
}

TEST_F(ExecGuardTest, AProgramThatWasOrderedDoesNotExecuteItselfAgain) {
    order("/proc/self/exe");
    EXPECT_EQ(outcome({.file = "/proc/self/exe", .fails_first = true}), kDenied);
}

TEST_F(ExecGuardTest, ThreadsThatHaveEndedAreInNobodysWay) {
    for (int round = 0; round < 50; ++round) {
        order(next_);
        EXPECT_EQ(outcome({.file = next_, .joined_threads = true}), 0);
    }
}

// What is executed for a script is its interpreter, which nobody ordered.
TEST_F(ExecGuardTest, ThreadsThatEndWhileTheyAreLookedAtAreNoFailure) {
    order(next_);
    EXPECT_EQ(outcome({.file = next_, .fleeting_threads = true}), kDenied);
}

TEST_F(ExecGuardTest, KillsAVmmThatHasBecomeAnotherProgram) {
    const std::string script = folder_.file("script", "#!/bin/sh\nsleep 60\n");
    chmod(script.c_str(), 0755);
    order(script);
    start({script});
    const int status = end();
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

// As when a guest is brought back in another process, which is not yet what was ordered.
TEST_F(ExecGuardTest, WhatTheNextProcessIsIsNoConsequenceOfAnothersExecution) {
    order(next_);
    EXPECT_EQ(outcome({next_}), 0);
    const auto next = start_bystander();
    auto [listener, other_end] = socket_pair();
    guard_.watch(std::move(listener), static_cast<pid_t>(next->pid));
    order(next_);
    settle();
    pollfd ended{next->pidfd.get(), POLLIN, 0};
    EXPECT_EQ(poll(&ended, 1, 50), 0);
    kill_process(*next, std::chrono::seconds(5));
}

TEST_F(ExecGuardTest, OutlivesTheEndOfTheVmm) {
    order(next_);
    EXPECT_EQ(outcome({next_}), 0);
    settle();
    order(next_);
    EXPECT_EQ(outcome({next_}), 0);
}

}  // namespace
}  // namespace cpr::controller
