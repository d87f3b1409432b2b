// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/vmm_process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

struct SocketPair {
    SocketPair() {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
            throw errno_error("make a socket pair");
        ours.reset(ends[0]);
        theirs.reset(ends[1]);
    }
    UniqueFd ours;
    UniqueFd theirs;
};

// In the child: allocates nothing.
bool send_fd(int socket, int fd) {
    char byte = 0;
    iovec content{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
    msghdr message{};
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    return sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

// All that the child needs: after the fork it may neither allocate nor lock, since another thread
// may have held the allocator's lock.
struct Child {
    const ProcessSpec& spec;
    std::vector<char*> argv;
    UniqueFd null;
    pid_t parent;
    Pipe failure;
    // The filter's listener takes this way out.
    SocketPair listener;
    // Room for what is made before the fork.
    std::vector<char*> environment;
    std::vector<int> numbers;
    mutable std::vector<int> spare;

    [[noreturn]] void become() const;
    bool set_filter() const;
};

// Neither may it allocate: what libseccomp has for this does.
bool Child::set_filter() const {
    if (spec.filter.empty())
        return true;
    sock_fprog program{static_cast<uint16_t>(spec.filter.size()),
                       const_cast<sock_filter*>(spec.filter.data())};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return false;
    const auto fd = static_cast<int>(
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
    return fd >= 0 && send_fd(listener.theirs.get(), fd);
}

void Child::become() const {
    setsid();
    if (spec.ends_with_parent && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
        tell_failure(failure.write_end.get());
    default_signals();
    dup2(null.get(), STDIN_FILENO);
    dup2(null.get(), STDOUT_FILENO);
    for (const auto& [resource, limit] : spec.limits)
        if (!set_limit(resource, limit))
            tell_failure(failure.write_end.get());
    if (!set_filter())
        tell_failure(failure.write_end.get());
    int binary = spec.binary;
    int told = failure.write_end.get();
    const std::array<int*, 2> own{&binary, &told};
    if (!spec.placed.empty() && !place_descriptors(spec.placed, spare, own))
        tell_failure(told);
    environ = const_cast<char**>(environment.data());
    exec_or_tell(binary, argv.data(), numbers, told);
}

std::vector<char*> environment_of(const ProcessSpec& spec) {
    std::vector<char*> environment = argument_pointers(spec.environment);
    environment.pop_back();
    for (char** variable = environ; *variable; ++variable)
        environment.push_back(*variable);
    environment.push_back(nullptr);
    return environment;
}

std::vector<int> numbers_of(const ProcessSpec& spec) {
    std::vector<int> numbers = spec.inherited;
    for (const auto& [ours, theirs] : spec.placed)
        numbers.push_back(theirs);
    return numbers;
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

// Waits for it; nothing if the child has ended before.
UniqueFd receive_fd(int socket) {
    char byte = 0;
    iovec content{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
    msghdr message{};
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0)
        throw errno_error("receive the listener of a seccomp filter");
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS)
        return UniqueFd();
    int fd = -1;
    memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return UniqueFd(fd);
}

}  // namespace

ResourceLimits limits_of(int64_t pid) {
    ResourceLimits limits;
    for (const auto resource : kResources) {
        rlimit limit{};
        if (prlimit(static_cast<pid_t>(pid), resource, nullptr, &limit) < 0)
            throw errno_error("read the limits of process {}", pid);
        limits.emplace_back(static_cast<int>(resource), limit);
    }
    return limits;
}

StartingProcess begin_process(const ProcessSpec& spec) {
    Child child{spec,
                argument_pointers(spec.arguments),
                open_file("/dev/null", O_RDWR),
                getpid(),
                {},
                {},
                environment_of(spec),
                numbers_of(spec),
                std::vector<int>(spec.placed.size())};

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
    child.listener.theirs.reset();
    if (!spec.filter.empty())
        process.listener = receive_fd(child.listener.ours.get());
    if (spec.watch_filter && process.listener)
        spec.watch_filter(std::move(process.listener), pid);
    return {std::move(process), std::move(child.failure.read_end), spec.arguments.at(0)};
}

VmmProcess wait_for_start(StartingProcess starting) {
    if (const int error = exec_failure(starting.failure.get())) {
        waitpid(static_cast<pid_t>(starting.process.pid), nullptr, 0);
        throw Error(ErrorCode::kBinaryNotExecutable, "cannot execute '{}': {}", starting.program,
                    errno_text(error));
    }
    return std::move(starting.process);
}

VmmProcess start_process(const ProcessSpec& spec) {
    return wait_for_start(begin_process(spec));
}

bool has_ended(const VmmProcess& process) {
    pollfd end{process.pidfd.get(), POLLIN, 0};
    return poll(&end, 1, 0) > 0;
}

void reap(const VmmProcess& process) {
    waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process.pidfd.get()), nullptr,
           WEXITED | WNOHANG);
}

void kill_process(const VmmProcess& process, std::chrono::milliseconds deadline) {
    pidfd_send_signal(process.pidfd.get(), SIGKILL, nullptr, 0);
    pollfd end{process.pidfd.get(), POLLIN, 0};
    if (poll(&end, 1, static_cast<int>(deadline.count())) != 1)
        throw Error(ErrorCode::kTimeout, "process {} was killed and did not end within {} ms",
                    process.pid, deadline.count());
    reap(process);
}

}  // namespace cpr::controller
