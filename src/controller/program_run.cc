// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/program_run.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"
#include "base/io.h"
#include "base/monotonic.h"
#include "base/pidfd.h"
#include "base/unique_fd.h"
#include "controller/child_exec.h"

namespace cpr::controller {
namespace {

// For poll(): 0 if it has passed.
int milliseconds_to(int64_t deadline_ns) {
    return static_cast<int>(std::max<int64_t>(0, (deadline_ns - monotonic_ns()) / 1'000'000));
}

// A child between its fork and its exit.
class Child {
  public:
    Child(int binary, const std::vector<std::string>& arguments, const std::vector<int>& inherited);
    ~Child();
    RunResult finish(const RunLimits& limits);

  private:
    [[noreturn]] void become(int binary, char* const* argv, const std::vector<int>& inherited);
    void check_exec(int64_t deadline_ns);
    bool wait_for_data(int64_t deadline_ns);
    void kill_group() { kill(-pid_, SIGKILL); }
    void reap();

    UniqueFd null_ = open_file("/dev/null", O_RDONLY);
    Pipe output_;
    Pipe errors_;
    Pipe exec_failure_;
    pid_t pid_ = -1;
    UniqueFd pidfd_;
    RunResult result_;
};

Child::Child(int binary, const std::vector<std::string>& arguments,
             const std::vector<int>& inherited) {
    // All memory is got before the fork: another thread may hold the allocator's lock.
    const std::vector<char*> argv = argument_pointers(arguments);
    pid_ = fork();
    if (pid_ < 0)
        throw errno_error("fork");
    if (pid_ == 0)
        become(binary, argv.data(), inherited);
    setpgid(pid_, pid_);
    pidfd_.reset(pidfd_open(pid_, 0));
    for (Pipe* pipe : {&output_, &errors_, &exec_failure_})
        pipe->write_end.reset();
    set_nonblocking(output_.read_end.get(), true);
    set_nonblocking(errors_.read_end.get(), true);
}

Child::~Child() {
    if (pid_ > 0) {
        kill_group();
        reap();
    }
}

// In the child: nothing here may allocate or lock.
void Child::become(int binary, char* const* argv, const std::vector<int>& inherited) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    default_signals();
    dup2(null_.get(), STDIN_FILENO);
    dup2(output_.write_end.get(), STDOUT_FILENO);
    dup2(errors_.write_end.get(), STDERR_FILENO);
    exec_or_tell(binary, argv, inherited, exec_failure_.write_end.get());
}

void Child::reap() {
    while (waitpid(pid_, &result_.status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

void Child::check_exec(int64_t deadline_ns) {
    // The file may be on a server that does not answer.
    pollfd wait{exec_failure_.read_end.get(), POLLIN, 0};
    if (poll(&wait, 1, milliseconds_to(deadline_ns)) == 0)
        throw Error(ErrorCode::kTimeout, "it did not start in time");
    if (const int error = exec_failure(exec_failure_.read_end.get()))
        throw Error(ErrorCode::kBinaryNotExecutable, "it cannot be executed: {}",
                    errno_text(error));
}

// Appends what a pipe has. Throws Error past the limit.
void drain(int fd, std::string& text, size_t limit) {
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t got = read(fd, buffer.data(), buffer.size());
        if (got <= 0)
            return;
        text.append(buffer.data(), static_cast<size_t>(got));
        if (text.size() > limit)
            throw Error(ErrorCode::kBinaryForeign, "it writes more than {} bytes", limit);
    }
}

// False when the program has ended.
bool Child::wait_for_data(int64_t deadline_ns) {
    std::array<pollfd, 3> wait{{{pidfd_.get(), POLLIN, 0},
                                {output_.read_end.get(), POLLIN, 0},
                                {errors_.read_end.get(), POLLIN, 0}}};
    const int ready = poll(wait.data(), wait.size(), milliseconds_to(deadline_ns));
    if (ready == 0)
        throw Error(ErrorCode::kTimeout, "it did not end in time");
    // A program may close its output and live on: its end is all that is left to wait for.
    for (size_t i = 1; i < wait.size(); ++i)
        if ((wait[i].revents & (POLLHUP | POLLIN)) == POLLHUP)
            (i == 1 ? output_ : errors_).read_end.reset();
    return wait[0].revents == 0;
}

RunResult Child::finish(const RunLimits& limits) {
    if (!pidfd_)
        throw Error(ErrorCode::kSystem, "cannot open a descriptor of a process");
    const int64_t deadline = monotonic_ns() + limits.deadline.count() * 1'000'000;
    check_exec(deadline);
    for (bool running = true; running;) {
        running = wait_for_data(deadline);
        drain(output_.read_end.get(), result_.output, limits.output);
        drain(errors_.read_end.get(), result_.errors, limits.output);
    }
    // Descendants that it left behind.
    kill_group();
    reap();
    return std::move(result_);
}

}  // namespace

Text RunResult::status_text() const {
    const Text end = WIFSIGNALED(status) ? Text("was killed by signal {}", WTERMSIG(status))
                                         : Text("exited with status {}", WEXITSTATUS(status));
    return errors.empty() ? end : Text("{}: {}", end, excerpt(errors));
}

std::string excerpt(const std::string& text) {
    constexpr size_t kMost = 400;
    std::string line = text.substr(0, std::min(text.find('\n'), kMost));
    std::ranges::replace_if(
        line, [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
    return line;
}

RunResult run_program(int binary, const std::vector<std::string>& arguments,
                      const RunLimits& limits, const std::vector<int>& inherited) {
    Child child(binary, arguments, inherited);
    return child.finish(limits);
}

}  // namespace cpr::controller
