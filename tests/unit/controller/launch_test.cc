// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/launch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/io.h"
#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

// What a program that was started as "vmm" or "controller" wrote down.
struct Report {
    long pid = 0;
    long parent = 0;
    long session = 0;
    std::vector<std::string> arguments;
    std::map<int, std::string> fds;
};

Report parse_report(const std::string& text) {
    Report report;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (sscanf(line.c_str(), "pid %ld parent %ld session %ld", &report.pid, &report.parent,
                   &report.session) == 3)
            continue;
        const size_t space = line.find(' ');
        if (line.starts_with("argument "))
            report.arguments.push_back(line.substr(space + 1));
        else
            report.fds[std::stoi(line)] = line.substr(space + 1);
    }
    return report;
}

// What a program that this test starts gets without having been meant to.
std::set<int> inheritable_fds() {
    std::set<int> fds;
    for (int fd = 0; fd < 1024; ++fd)
        if (const int flags = fcntl(fd, F_GETFD); flags >= 0 && (flags & FD_CLOEXEC) == 0)
            fds.insert(fd);
    return fds;
}

class LaunchTest : public testing::Test {
  protected:
    void SetUp() override {
        std::filesystem::create_directory(folder_.path("reports"));
        setenv("REPORT_FOLDER", folder_.path("reports").c_str(), 1);
    }

    // Starts a domain in a child, as libvirt does, with two inherited descriptors.
    void launch(const std::string& controller) {
        pid_ = fork();
        if (pid_ == 0) {
            set_cloexec(listener_.get(), false);
            set_cloexec(disk_.get(), false);
            try {
                std::vector<std::string> arguments{
                    "/usr/bin/emu", "-name", "guest=g1", "-chardev",
                    "socket,id=charmonitor,server=on,fd=" + std::to_string(listener_.get())};
                arguments.insert(arguments.end(), more_arguments_.begin(), more_arguments_.end());
                launch_domain(CommandLine(arguments), {"emu", folder_.path(vmm_)}, controller);
            } catch (const Error& error) {
                folder_.file("error", error.message());
            }
            _exit(1);
        }
        EXPECT_EQ(waitpid(pid_, &status_, 0), pid_);
    }
    Report report(const std::string& name) {
        const std::string path = folder_.path("reports/" + name);
        for (int i = 0; i < 1000 && !std::filesystem::exists(path); ++i)
            usleep(10'000);
        return parse_report(read_file(path));
    }

    const TestFolder folder_;
    std::string vmm_ = "vmm";
    std::vector<std::string> more_arguments_;
    const UniqueFd listener_ = listen_at(folder_.path("monitor.sock"));
    const UniqueFd disk_ = make_memfd("disk");
    pid_t pid_ = -1;
    int status_ = 0;
};

TEST_F(LaunchTest, TheProcessItselfBecomesTheVmm) {
    folder_.program("vmm");
    launch(folder_.program("controller"));
    const Report vmm = report("vmm");
    EXPECT_EQ(vmm.pid, pid_);
    EXPECT_EQ(vmm.arguments[0], folder_.path("vmm"));
    EXPECT_EQ(vmm.arguments[2], "guest=g1");
    int monitor = -1;
    ASSERT_EQ(sscanf(vmm.arguments[4].c_str(), "socket,id=charmonitor,fd=%d", &monitor), 1);
    EXPECT_EQ(vmm.fds.at(monitor).substr(0, 7), "socket:");
    EXPECT_EQ(vmm.fds.at(disk_.get()), "/memfd:disk (deleted)");
    EXPECT_FALSE(vmm.fds.contains(listener_.get()));
    std::set<int> expected = inheritable_fds();
    expected.insert({monitor, disk_.get()});
    std::set<int> got;
    for (const auto& [fd, target] : vmm.fds)
        got.insert(fd);
    EXPECT_EQ(got, expected);
}

TEST_F(LaunchTest, TheControllerHasItsOwnDescriptorsOnly) {
    folder_.program("vmm");
    launch(folder_.program("controller"));
    const Report controller = report("controller");
    EXPECT_NE(controller.pid, pid_);
    EXPECT_NE(controller.parent, pid_);
    EXPECT_NE(controller.session, getsid(0));
    EXPECT_EQ(controller.fds.size(), 8u);
    EXPECT_EQ(controller.fds.at(0), "/dev/null");
    EXPECT_EQ(controller.fds.at(1), "/dev/null");
    EXPECT_TRUE(controller.fds.contains(listener_.get()));
    EXPECT_FALSE(controller.fds.contains(disk_.get()));
    const auto has = [&](const std::string& argument) {
        return std::ranges::find(controller.arguments, argument) != controller.arguments.end();
    };
    EXPECT_TRUE(has("--pid=" + std::to_string(pid_)));
    EXPECT_TRUE(has("--emulator=emu"));
    EXPECT_TRUE(has("--domain=g1"));
    EXPECT_TRUE(has("--binary=" + folder_.path("vmm")));
}

TEST_F(LaunchTest, AVmmThatIsNotThereIsAnErrorBeforeTheControllerStarts) {
    launch(folder_.program("controller"));
    EXPECT_EQ(WEXITSTATUS(status_), 1);
    EXPECT_NE(read_file(folder_.path("error")).find(folder_.path("vmm")), std::string::npos);
    usleep(100'000);
    EXPECT_FALSE(std::filesystem::exists(folder_.path("reports/controller")));
}

TEST_F(LaunchTest, AControllerThatCannotStartIsAnErrorAndNoVmmStarts) {
    folder_.program("vmm");
    launch(folder_.path("absent"));
    EXPECT_EQ(WEXITSTATUS(status_), 1);
    EXPECT_NE(read_file(folder_.path("error")).find("cannot start the controller"),
              std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(folder_.path("reports/vmm")));
}

// --- Stock QEMU

class QemuLaunchTest : public LaunchTest {
  protected:
    QemuLaunchTest() {
        vmm_ = "qemu";
        folder_.program("qemu");
        more_arguments_ = {
            "-machine", "pc-q35-10.0,memory-backend=pc.ram",
            "-object",  R"({"qom-type":"memory-backend-ram","id":"pc.ram","size":1048576})",
            "-mon",     "chardev=charmonitor,id=monitor,mode=control",
            "-chardev", "pty,id=charserial0"};
    }
    static std::string value(const Report& report, const std::string& option) {
        for (const std::string& argument : report.arguments)
            if (argument.starts_with(option + "="))
                return argument.substr(option.size() + 1);
        return {};
    }
};

TEST_F(QemuLaunchTest, ItsMemoryIsSharedAndItsConsoleEndsInTheController) {
    launch(folder_.program("controller"));
    const Report vmm = report("qemu");
    EXPECT_EQ(vmm.pid, pid_);
    EXPECT_NE(vmm.arguments[8].find("memory-backend-memfd"), std::string::npos);
    int console = -1;
    ASSERT_EQ(sscanf(vmm.arguments[12].c_str(), "socket,id=charserial0,fd=%d", &console), 1);
    EXPECT_EQ(vmm.fds.at(console).substr(0, 7), "socket:");
    const Report controller = report("controller");
    EXPECT_EQ(value(controller, "--qemu"), "11.1.3");
    const auto plan = nlohmann::json::parse(value(controller, "--chardevs"));
    EXPECT_NE(plan.dump().find("charserial0"), std::string::npos);
    // It keeps QEMU's end as well, to have back what QEMU has not read.
    EXPECT_EQ(controller.fds.at(console), vmm.fds.at(console));
}

TEST_F(QemuLaunchTest, TheControllerKeepsWhatLibvirtPassed) {
    launch(folder_.program("controller"));
    const Report controller = report("controller");
    EXPECT_EQ(controller.fds.at(disk_.get()), "/memfd:disk (deleted)");
    const std::string inherited = "," + value(controller, "--inherited-fds") + ",";
    EXPECT_NE(inherited.find(fmt::format(",{},", disk_.get())), std::string::npos);
    EXPECT_EQ(inherited.find(fmt::format(",{},", listener_.get())), std::string::npos);
}

TEST_F(QemuLaunchTest, ALineThatIsNotUnderstoodIsLeftAlone) {
    more_arguments_ = {"-no-such-option", "x"};
    launch(folder_.program("controller"));
    const Report vmm = report("qemu");
    EXPECT_EQ(vmm.arguments[5], "-no-such-option");
    EXPECT_EQ(vmm.arguments[6], "x");
}

}  // namespace
}  // namespace cpr::controller
