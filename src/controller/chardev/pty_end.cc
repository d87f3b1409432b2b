// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/pty_end.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "base/io.h"

namespace cpr::controller {
namespace {

// The kernel does not tell when somebody opens a pseudo terminal that nobody had open.
constexpr std::chrono::milliseconds kPollTime{100};

UniqueFd open_master() {
    UniqueFd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!master || grantpt(master.get()) < 0 || unlockpt(master.get()) < 0)
        throw errno_error("make a pseudo terminal");
    set_nonblocking(master.get(), true);
    return master;
}

std::string slave_of(int master) {
    std::array<char, 64> path{};
    if (const int problem = ptsname_r(master, path.data(), path.size()); problem != 0) {
        errno = problem;
        throw errno_error("get the name of a pseudo terminal");
    }
    return path.data();
}

// Bytes are to pass as they are. A slave that was open once is also what makes the kernel tell that
// nobody has it open.
void make_raw(const std::string& path) {
    const UniqueFd slave = open_file(path, O_RDWR | O_NOCTTY);
    termios settings{};
    if (tcgetattr(slave.get(), &settings) < 0)
        throw errno_error("get the settings of a pseudo terminal");
    cfmakeraw(&settings);
    if (tcsetattr(slave.get(), TCSAFLUSH, &settings) < 0)
        throw errno_error("set up a pseudo terminal");
}

int state_of(int fd) {
    pollfd state{fd, POLLIN, 0};
    return poll(&state, 1, 0) > 0 ? state.revents : 0;
}

}  // namespace

PtyEnd::PtyEnd(EventLoop& loop, std::string link)
    : loop_(loop), master_(open_master()), path_(slave_of(master_.get())) {
    make_raw(path_);
    if (!link.empty() && symlink(path_.c_str(), link.c_str()) < 0)
        throw errno_error("make a symbolic link at '{}'", link);
    link_ = std::move(link);
    wait_for_user();
}

PtyEnd::~PtyEnd() {
    if (!link_.empty())
        unlink(link_.c_str());
}

int PtyEnd::fd() {
    if (!open_ && look_for_user())
        timer_.cancel();
    return open_ ? master_.get() : -1;
}

bool PtyEnd::has_reader() {
    return (state_of(master_.get()) & POLLHUP) == 0;
}

// Also one who has left something, and is gone again.
bool PtyEnd::look_for_user() {
    const int state = state_of(master_.get());
    open_ = (state & POLLIN) != 0 || (state & POLLHUP) == 0;
    return open_;
}

void PtyEnd::user_left() {
    open_ = false;
    wait_for_user();
}

void PtyEnd::wait_for_user() {
    timer_ = loop_.after(kPollTime, [this] {
        if (look_for_user())
            tell_user_came();
        else
            wait_for_user();
    });
}

}  // namespace cpr::controller
