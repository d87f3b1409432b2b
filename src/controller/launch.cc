// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/launch.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "base/pidfd.h"
#include "base/unique_fd.h"
#include "controller/binary_info.h"
#include "controller/chardev/plan_json.h"
#include "controller/exec_filter.h"
#include "controller/fd_message.h"
#include "controller/qemu/start_plan.h"
#include "controller/qemu/version.h"
#include "controller/stray_vmm.h"

namespace cpr::controller {
namespace {

// libvirt waits as long for a domain to start, and a host may be busy.
constexpr std::chrono::milliseconds kVersionDeadline(60'000);
constexpr std::chrono::milliseconds kControllerDeadline(60'000);

// What the controller gets, beside standard error.
struct Inheritance {
    int listener = -1;
    UniqueFd monitor;
    UniqueFd pidfd;
    UniqueFd arguments;
    Binary binary;
    // Of stock QEMU.
    std::optional<qemu::Version> qemu;
    std::vector<int> inherited;
    ChardevPlan chardevs;
    VncPlan vnc;
    UniqueFd exec_end;

    std::vector<int> descriptors() const;
};

std::vector<int> Inheritance::descriptors() const {
    std::vector<int> all = inherited;
    for (const int fd : chardevs.for_controller())
        all.push_back(fd);
    for (const int fd : vnc.for_controller())
        all.push_back(fd);
    all.insert(all.end(), {listener, monitor.get(), pidfd.get(), arguments.get(), binary.fd.get()});
    if (exec_end)
        all.push_back(exec_end.get());
    return all;
}

// libvirt's folder for this guest, which has its monitor's socket.
std::string folder_of(int listener) {
    const std::string path = socket_path(listener);
    return path.substr(0, path.rfind('/'));
}

std::vector<char*> to_argv(std::vector<std::string>& arguments) {
    std::vector<char*> argv;
    for (std::string& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    return argv;
}

std::vector<std::string> controller_arguments(const std::string& program,
                                              const Inheritance& inheritance,
                                              const CommandLine& line,
                                              const std::string& emulator) {
    const auto option = [](const char* name, const auto& value) {
        return fmt::format("--{}={}", name, value);
    };
    std::vector<std::string> arguments{program,
                                       option(kDomainOption, line.guest_name()),
                                       option(kEmulatorOption, emulator),
                                       option(kBinaryOption, inheritance.binary.path),
                                       option(kPidOption, getpid()),
                                       option(kListenerOption, inheritance.listener),
                                       option(kMonitorOption, inheritance.monitor.get()),
                                       option(kPidfdOption, inheritance.pidfd.get()),
                                       option(kArgumentsOption, inheritance.arguments.get()),
                                       option(kBinaryFdOption, inheritance.binary.fd.get())};
    if (inheritance.qemu) {
        arguments.push_back(option(kQemuOption, inheritance.qemu->text()));
        arguments.push_back(
            option(kInheritedOption, fmt::format("{}", fmt::join(inheritance.inherited, ","))));
        arguments.push_back(option(kChardevsOption, to_json(inheritance.chardevs).dump()));
        arguments.push_back(option(kVncOption, to_json(inheritance.vnc).dump()));
        if (inheritance.exec_end)
            arguments.push_back(option(kExecOption, inheritance.exec_end.get()));
    }
    return arguments;
}

// In the controller's process: leaves behind what belongs to the VMM.
void become_controller(const Inheritance& inheritance, std::vector<std::string> arguments) {
    const UniqueFd null = open_file("/dev/null", O_RDWR);
    dup2(null.get(), STDIN_FILENO);
    dup2(null.get(), STDOUT_FILENO);
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        throw errno_error("close the VMM's descriptors");
    for (const int fd : inheritance.descriptors())
        set_cloexec(fd, false);
    if (chdir("/") < 0)
        throw errno_error("change to the root folder");
    execv(arguments[0].c_str(), to_argv(arguments).data());
    throw errno_error("execute '{}'", arguments[0]);
}

// Runs `become` in a grandchild, in a session of its own. The VMM so has no child that it does not
// know, and no terminal's signals reach the controller. Returns when the grandchild has exec'ed.
template <typename Function>
void spawn_detached(Function become) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        throw errno_error("make a pipe");
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    const pid_t child = fork();
    if (child < 0)
        throw errno_error("fork");
    if (child == 0) {
        setsid();
        const pid_t grandchild = fork();
        if (grandchild > 0)
            _exit(0);
        try {
            if (grandchild < 0)
                throw errno_error("fork");
            become();
        } catch (const Error& error) {
            [[maybe_unused]] const ssize_t written =
                write(write_end.get(), error.what(), strlen(error.what()));
        }
        _exit(1);
    }
    write_end.reset();
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    std::array<char, 1024> problem{};
    const ssize_t got = read(read_end.get(), problem.data(), problem.size());
    if (got > 0)
        throw Error(ErrorCode::kSystem, "cannot start the controller: {}",
                    std::string(problem.data(), static_cast<size_t>(got)));
}

// Our end of what the controller gets of a QEMU that is to be updated in its process.
struct ExecPlan {
    UniqueFd end;
    bool confined = false;
};

// What a script executes is not the program that is ordered.
bool is_script(const Binary& binary) {
    const UniqueFd file(open(binary.path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 2> begin{};
    return !file || read(file.get(), begin.data(), begin.size()) != 2 ||
           (begin[0] == '#' && begin[1] == '!');
}

// A QEMU of which that cannot be has mode transfer.
ExecPlan plan_exec(const EmulatorEntry& entry, Inheritance& inheritance,
                   std::vector<std::string>& arguments) {
    if (entry.mode != UpdateMode::kExec)
        return {};
    if (*inheritance.qemu < qemu::kFirstExec || is_script(inheritance.binary)) {
        log::warning("the guest cannot be updated in mode exec: '{}' is {}", entry.binary,
                     *inheritance.qemu < qemu::kFirstExec ? "older than QEMU 10.2" : "a script");
        return {};
    }
    ExecPlan plan;
    std::tie(plan.end, inheritance.exec_end) = make_message_pair();
    if (auto changed = qemu::with_spawn_left_to_filter(arguments)) {
        arguments = std::move(*changed);
        plan.confined = true;
    }
    return plan;
}

// From here on only the controller lets this process execute anything. Whatever the host forbids to
// others, it may look at the process.
void confine(const ExecPlan& plan) {
    if (!plan.end)
        return;
    if (!plan.confined) {
        send_message(plan.end.get(), "not confined");
        return;
    }
    const UniqueFd listener = set_exec_filter();
    send_message(plan.end.get(), "confined", std::array{listener.get()});
    const FdMessage controller = receive_message(plan.end.get(), kControllerDeadline);
    prctl(PR_SET_PTRACER, strtoul(controller.text.c_str(), nullptr, 10), 0, 0, 0);
}

}  // namespace

void exec_vmm(const std::string& binary, std::vector<std::string> arguments) {
    arguments.at(0) = binary;
    execv(binary.c_str(), to_argv(arguments).data());
    throw errno_error("execute '{}'", binary);
}

void launch_domain(const CommandLine& line, const EmulatorEntry& entry,
                   const std::string& controller) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        throw errno_error("make a socket pair");
    const UniqueFd vmm_end(ends[0]);
    auto arguments = line.for_vmm(entry.binary, vmm_end.get());

    Inheritance inheritance;
    ExecPlan exec;
    inheritance.listener = line.monitor_fd().value();
    set_cloexec(inheritance.listener, true);
    inheritance.monitor.reset(ends[1]);
    inheritance.pidfd.reset(pidfd_open(getpid(), 0));
    if (!inheritance.pidfd)
        throw errno_error("open a descriptor of this process");
    inheritance.binary = open_binary(entry.binary);
    inheritance.qemu = qemu::version_of(inheritance.binary, {kVersionDeadline});
    if (inheritance.qemu) {
        qemu::StartPlan plan =
            qemu::plan_start(arguments, *inheritance.qemu, folder_of(inheritance.listener));
        arguments = std::move(plan.arguments);
        inheritance.chardevs = std::move(plan.chardevs);
        inheritance.vnc = std::move(plan.vnc);
        inheritance.inherited = qemu::inheritable_descriptors();
        exec = plan_exec(entry, inheritance, arguments);
    }
    const std::string text = join_arguments(arguments);
    inheritance.arguments = make_sealed_memfd(
        "vmm-arguments", {reinterpret_cast<const uint8_t*>(text.data()), text.size()},
        "the VMM's command line");
    const auto own_arguments = controller_arguments(controller, inheritance, line, entry.name);
    spawn_detached([&] { become_controller(inheritance, own_arguments); });

    set_cloexec(vmm_end.get(), false);
    for (const int fd : inheritance.chardevs.for_qemu())
        set_cloexec(fd, false);
    confine(exec);
    exec_vmm(entry.binary, arguments);
}

}  // namespace cpr::controller
