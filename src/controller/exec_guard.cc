// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/exec_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/audit.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/pidfd.h"
#include "controller/seccomp_notification.h"

namespace cpr::controller {
namespace {

constexpr std::chrono::milliseconds kLookInterval(20);
// After a program that was named by its path.
constexpr std::chrono::milliseconds kShortInterval(1);

// Threads that run no code of the program's (any more): PF_EXITING, PF_IO_WORKER and PF_USER_WORKER
// of the kernel's linux/sched.h. KVM has a worker in each process; a thread that was joined may
// still be there.
constexpr unsigned kRunsNoCode = 0x4 | 0x10 | 0x4000;

std::optional<FileIdentity> identity_of(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) < 0)
        return std::nullopt;
    return FileIdentity{info.st_dev, info.st_ino};
}

std::optional<FileIdentity> identity_of(int fd) {
    struct stat info {};
    if (fstat(fd, &info) < 0)
        return std::nullopt;
    return FileIdentity{info.st_dev, info.st_ino};
}

std::optional<FileIdentity> program_of(pid_t pid) {
    return identity_of(fmt::format("/proc/{}/exe", pid));
}

bool runs_code(const std::filesystem::path& task) {
    std::ifstream file(task / "stat");
    // A thread that has ended since fails the reading, which an iterator of the file would throw.
    std::string text;
    std::getline(file, text, '\0');
    if (text.empty())
        return false;  // it has gone
    // "pid (name) state ppid pgrp session tty tpgid flags"; the name may have any character.
    char state = 0;
    int skipped = 0;
    unsigned flags = 0;
    const size_t end = text.rfind(')');
    return end == std::string::npos ||
           sscanf(text.c_str() + end + 1, " %c %d %d %d %d %d %u", &state, &skipped, &skipped,
                  &skipped, &skipped, &skipped, &flags) != 7 ||
           (flags & kRunsNoCode) == 0;
}

size_t count_threads(pid_t pid) {
    size_t count = 0;
    std::error_code error;
    const auto folder = fmt::format("/proc/{}/task", pid);
    for (auto task = std::filesystem::directory_iterator(folder, error);
         !error && task != std::filesystem::directory_iterator(); task.increment(error))
        count += runs_code(task->path()) ? 1 : 0;
    return error ? 0 : count;
}

UniqueFd memory_of(pid_t pid) {
    return UniqueFd(open(fmt::format("/proc/{}/mem", pid).c_str(), O_RDONLY | O_CLOEXEC));
}

// Empty if it cannot be read. The pages that follow may be missing.
std::string path_at(pid_t pid, uint64_t address, size_t size) {
    const UniqueFd memory = memory_of(pid);
    std::string path(size, '\0');
    const ssize_t got =
        memory ? pread(memory.get(), path.data(), size, static_cast<off_t>(address)) : -1;
    path.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return path.substr(0, path.find('\0'));
}

// By the path a call can name another file than its descriptor. A host may forbid to look (Yama,
// security modules); look_at_program() then has to do.
bool has_path(pid_t pid, uint64_t address) {
    const UniqueFd memory = memory_of(pid);
    if (!memory)
        return false;
    char first = 0;
    return pread(memory.get(), &first, 1, static_cast<off_t>(address)) != 1 || first != 0;
}

}  // namespace

void ExecGuard::watch(UniqueFd listener, pid_t vmm) {
    listener_ = std::move(listener);
    // What another process has executed used the order up, and is no measure for this one.
    if (before_)
        ordered_.reset();
    before_.reset();
    next_look_.cancel();
    vmm_ = vmm;
    pidfd_.reset(pidfd_open(vmm, 0));
    watch_ = loop_.watch_fd(listener_.get(), G_IO_IN, [this](GIOCondition condition) {
        return (condition & G_IO_IN) != 0 && on_request();
    });
}

void ExecGuard::order(std::shared_ptr<const Binary> binary) {
    look_at_program();
    next_look_.cancel();
    before_.reset();
    ordered_ = std::move(binary);
    by_path_ = false;
}

void ExecGuard::order_by_path(std::shared_ptr<const Binary> binary) {
    order(std::move(binary));
    by_path_ = true;
}

bool ExecGuard::on_request() {
    SeccompNotification notification;
    const int error = seccomp_notify_receive(listener_.get(), notification.request);
    if (error == 0)
        answer(*notification.request);
    // Who asked may be gone again.
    return error == 0 || errno == ENOENT || errno == EINTR || errno == ECANCELED;
}

void ExecGuard::answer(const seccomp_notif& request) {
    SeccompNotification notification;
    seccomp_notif_resp& response = *notification.response;
    response.id = request.id;
    if (request.data.nr != __NR_execve && request.data.nr != __NR_execveat) {
        const auto result = other_ ? other_(request) : std::nullopt;
        response.error = result.value_or(0);
        response.flags = result ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        seccomp_notify_respond(listener_.get(), &response);
        return;
    }
    const std::string reason = objection(request);
    const auto before = program_of(vmm_);
    if (reason.empty()) {
        response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    } else {
        response.error = -EPERM;
        log::warning("the VMM may not execute a program: {}", reason);
    }
    // What was looked at belonged to the one who asked only if it still waits. A call that was
    // interrupted does not, and is made again.
    if (seccomp_notify_id_valid(listener_.get(), request.id) < 0 ||
        seccomp_notify_respond(listener_.get(), &response) < 0 || !reason.empty())
        return;
    before_ = before;
    next_look_ =
        loop_.after(by_path_ ? kShortInterval : kLookInterval, [this] { look_at_program(); });
}

// The kernel makes a call again that a signal interrupts just when it is answered, and an execution
// may fail after it was permitted. Once the VMM is the program that was ordered, it is done.
bool ExecGuard::is_made_again() const {
    const auto now = program_of(vmm_);
    return now && now == before_ && !is_ordered(*now);
}

std::string ExecGuard::objection(const seccomp_notif& request) const {
    if (!ordered_)
        return "no update has ordered it";
    if (before_ && !is_made_again())
        return "the update has been given its execution already";
    if (by_path_)
        return objection_to_path(request);
    if (request.data.arch != AUDIT_ARCH_X86_64 || request.data.nr != __NR_execveat)
        return fmt::format("system call {} is not execveat", request.data.nr);
    if (request.pid != static_cast<uint32_t>(vmm_))
        return fmt::format("thread {} is not the first thread of the VMM", request.pid);
    // Another thread could change descriptor and path after they have been looked at.
    if (count_threads(vmm_) != 1)
        return "the VMM has other threads";
    if (request.data.args[4] != AT_EMPTY_PATH || has_path(vmm_, request.data.args[1]))
        return "the program is not named by a descriptor alone";
    if (!is_ordered_file(static_cast<int>(request.data.args[0])))
        return fmt::format("it is not '{}', which was validated", ordered_->path);
    return {};
}

std::string ExecGuard::objection_to_path(const seccomp_notif& request) const {
    if (request.data.arch != AUDIT_ARCH_X86_64 || request.data.nr != __NR_execve)
        return fmt::format("system call {} is not execve", request.data.nr);
    if (request.pid != static_cast<uint32_t>(vmm_))
        return fmt::format("thread {} is not the first thread of the VMM", request.pid);
    if (path_at(vmm_, request.data.args[0], ordered_->path.size() + 1) != ordered_->path)
        return fmt::format("it is not '{}'", ordered_->path);
    return {};
}

// A package upgrade may put another file under the path, between the order and the execution.
bool ExecGuard::is_ordered(const FileIdentity& program) const {
    return program == identity_of(ordered_->fd.get()) ||
           (by_path_ && program == identity_of(ordered_->path));
}

bool ExecGuard::is_ordered_file(int vmm_fd) const {
    const auto ordered = identity_of(ordered_->fd.get());
    return ordered && identity_of(fmt::format("/proc/{}/fd/{}", vmm_, vmm_fd)) == ordered;
}

// The last word: what the permission has led to.
void ExecGuard::look_at_program() {
    if (!before_)
        return;
    const auto now = program_of(vmm_);
    if (now && now != before_ && !is_ordered(*now)) {
        log::error("the VMM has become another program than '{}': killed", ordered_->path);
        pidfd_send_signal(pidfd_.get(), SIGKILL, nullptr, 0);
        return;
    }
    next_look_ = loop_.after(kLookInterval, [this] { look_at_program(); });
}

}  // namespace cpr::controller
