// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/vmm_process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "base/io.h"
#include "base/pidfd.h"
#include "controller/child_exec.h"

namespace cpr::controller {
namespace {

using namespace std::chrono_literals;

// A number stays taken until the dead process has been waited for by its parent.
constexpr auto kNumberWait = 100ms;

constexpr std::array kResources{RLIMIT_MEMLOCK, RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_NPROC,
                                RLIMIT_FSIZE};

// A limit above our own is not ours to give: then as much as we may have.
bool set_limit(int resource, rlimit limit) {
    const auto which = static_cast<__rlimit_resource>(resource);
    rlimit own{};
    if (setrlimit(which, &limit) == 0)
        return true;
    if (errno != EPERM || getrlimit(which, &own) < 0)
        return false;
    limit.rlim_max = std::min(limit.rlim_max, own.rlim_max);
    limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max);
    return setrlimit(which, &limit) == 0;
}

// All that the child needs: after the fork it may neither allocate nor lock, since another thread
// may have held the allocator's lock.
struct Child {
    const ProcessSpec& spec;
    std::vector<char*> argv;
    UniqueFd null;
    Pipe failure;

    [[noreturn]] void become() const;
};

void Child::become() const {
    setsid();
    default_signals();
    dup2(null.get(), STDIN_FILENO);
    dup2(null.get(), STDOUT_FILENO);
    for (const auto& [resource, limit] : spec.limits)
        if (!set_limit(resource, limit))
            tell_failure(failure.write_end.get());
    exec_or_tell(spec.binary, argv.data(), spec.inherited, failure.write_end.get());
}

// As fork(), with a descriptor of the child and, if it is not 0, the child's number.
pid_t clone_process(int& pidfd, pid_t number) {
    clone_args args{};
    args.flags = CLONE_PIDFD;
    args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (number != 0) {
        args.set_tid = reinterpret_cast<uint64_t>(&number);
        args.set_tid_size = 1;
    }
    return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof(args)));
}

pid_t clone_with_number(int& pidfd, pid_t number) {
    const auto end = std::chrono::steady_clock::now() + kNumberWait;
    pid_t pid = -1;
    while ((pid = clone_process(pidfd, number)) < 0 && errno == EEXIST &&
           std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(1ms);
    return pid;
}

}  // namespace

ResourceLimits limits_of(int64_t pid) {
    ResourceLimits limits;
    for (const auto resource : kResources) {
        rlimit limit{};
        if (prlimit(static_cast<pid_t>(pid), resource, nullptr, &limit) < 0)
            throw errno_error(fmt::format("read the limits of process {}", pid));
        limits.emplace_back(static_cast<int>(resource), limit);
    }
    return limits;
}

VmmProcess start_process(const ProcessSpec& spec) {
    Child child{spec, argument_pointers(spec.arguments), open_file("/dev/null", O_RDWR), {}};

    int pidfd = -1;
    pid_t pid =
        spec.wanted_pid == 0 ? -1 : clone_with_number(pidfd, static_cast<pid_t>(spec.wanted_pid));
    if (pid < 0)
        pid = clone_process(pidfd, 0);
    if (pid < 0)
        throw errno_error("start a process");
    if (pid == 0)
        child.become();
    VmmProcess process{pid, UniqueFd(pidfd)};
    child.failure.write_end.reset();
    if (const int error = exec_failure(child.failure.read_end.get())) {
        waitpid(pid, nullptr, 0);
        throw Error(ErrorCode::kBinaryNotExecutable, "cannot execute '{}': {}",
                    spec.arguments.at(0), strerror(error));
    }
    return process;
}

void kill_process(const VmmProcess& process, std::chrono::milliseconds deadline) {
    pidfd_send_signal(process.pidfd.get(), SIGKILL, nullptr, 0);
    pollfd end{process.pidfd.get(), POLLIN, 0};
    if (poll(&end, 1, static_cast<int>(deadline.count())) != 1)
        throw Error(ErrorCode::kTimeout, "process {} was killed and did not end within {} ms",
                    process.pid, deadline.count());
    // If it is a child of ours; libvirt's is not.
    waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process.pidfd.get()), nullptr,
           WEXITED | WNOHANG);
}

}  // namespace cpr::controller
