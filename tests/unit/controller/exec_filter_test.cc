// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/exec_filter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <linux/vfio.h>
#include <sys/wait.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "controller/exec_guard.h"
#include "controller/loop_call.h"
#include "controller/vmm_process.h"

namespace cpr::controller {
namespace {

// A process under the filter, of which the guard lets one program be executed.
class ExecFilterTest : public testing::Test {
  protected:
    void TearDown() override {
        loop_.post([this] { loop_.quit(); });
        thread_.join();
    }

    // The exit status of a program in Python.
    int run(const std::string& script) {
        const Binary python = open_binary("/usr/bin/python3");
        ProcessSpec spec;
        spec.binary = python.fd.get();
        spec.arguments = {"python3", "-c", script};
        spec.filter = exec_filter();
        spec.watch_filter = [&](UniqueFd listener, int64_t pid) {
            auto shared = std::make_shared<UniqueFd>(std::move(listener));
            loop_.post([this, shared, pid] {
                guard_.watch(std::move(*shared), static_cast<pid_t>(pid));
                guard_.order(std::make_shared<const Binary>(open_binary("/usr/bin/python3")));
            });
        };
        const VmmProcess process = start_process(spec);
        int status = -1;
        waitpid(static_cast<pid_t>(process.pid), &status, 0);
        call_on_loop(loop_, [this] { guard_.order(nullptr); });
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    EventLoop loop_;
    int noted_ = 0;
    std::optional<int> result_;
    // Ordered when the process asks for something else.
    std::string by_path_;
    ExecGuard guard_{
        loop_, [this](const seccomp_notif&) {
            ++noted_;
            if (!by_path_.empty())
                guard_.order_by_path(std::make_shared<const Binary>(open_binary(by_path_)));
            return result_;
        }};
    std::thread thread_{[this] { loop_.run(); }};
};

constexpr const char* kErrnoOf =
    "import ctypes, os, sys, threading\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "def errno_of(*call):\n"
    "    ctypes.set_errno(0)\n"
    "    result = libc.syscall(*call)\n"
    "    return ctypes.get_errno() if result < 0 else 0\n";

TEST_F(ExecFilterTest, NoProcessCanBeStarted) {
    const std::string script = kErrnoOf;
    EXPECT_EQ(run(script + "sys.exit(errno_of(57))"), EPERM);                  // fork
    EXPECT_EQ(run(script + "sys.exit(errno_of(58))"), EPERM);                  // vfork
    EXPECT_EQ(run(script + "sys.exit(errno_of(56, 17, 0, 0, 0, 0))"), EPERM);  // clone
    EXPECT_EQ(run(script + "sys.exit(errno_of(435, 0, 0))"), ENOSYS);          // clone3
}

TEST_F(ExecFilterTest, ThreadsCan) {
    EXPECT_EQ(run("import threading\n"
                  "done = []\n"
                  "thread = threading.Thread(target=done.append, args=(7,))\n"
                  "thread.start()\n"
                  "thread.join()\n"
                  "exit(done[0])"),
              7);
}

TEST_F(ExecFilterTest, NothingIsExecutedThatIsNotOrdered) {
    EXPECT_EQ(run("import os\n"
                  "try:\n"
                  "    os.execv('/bin/true', ['true'])\n"
                  "except OSError as error:\n"
                  "    exit(error.errno)\n"),
              EPERM);
}

TEST_F(ExecFilterTest, WhatIsMappedForADeviceIsNotedAndGoesThrough) {
    EXPECT_EQ(run(fmt::format("{}sys.exit(errno_of(16, os.open('/dev/null', 0), {}, 0))", kErrnoOf,
                              VFIO_IOMMU_MAP_DMA)),
              ENOTTY);
    EXPECT_EQ(noted_, 1);
}

TEST_F(ExecFilterTest, WhatIsDoneWithAQueueCanBeAnswered) {
    const std::string script = fmt::format(
        "{}sys.exit(errno_of(16, os.open('/dev/null', 0), {}, 0))", kErrnoOf, TUNSETQUEUE);
    EXPECT_EQ(run(script), ENOTTY);
    result_ = 0;
    EXPECT_EQ(run(script), 0);
    result_ = -EBUSY;
    EXPECT_EQ(run(script), EBUSY);
}

// As QEMU executes a program: by its path, and with other threads.
TEST_F(ExecFilterTest, AnOrderByPathIsForThatPathAlone) {
    const std::string script = fmt::format(
        "{}import time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "errno_of(16, os.open('/dev/null', 0), {}, 0)\n",
        kErrnoOf, TUNSETQUEUE);
    const auto execute = [&](const char* path) {
        return run(
            fmt::format("{}try:\n"
                        "    os.execv('{}', ['program', '-c', 'exit 7'])\n"
                        "except OSError as error:\n"
                        "    os._exit(error.errno)\n",
                        script, path));
    };
    by_path_ = "/bin/sh";
    EXPECT_EQ(execute("/bin/sh"), 7);
    EXPECT_EQ(execute("/bin/true"), EPERM);
    EXPECT_EQ(execute("/usr/bin/../../bin/sh"), EPERM);
    by_path_.clear();
    EXPECT_EQ(execute("/bin/sh"), EPERM);
}

}  // namespace
}  // namespace cpr::controller
