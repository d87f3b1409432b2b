// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/chardev/pty.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <cstdlib>

#include "base/error.h"
#include "base/io.h"

namespace cpr::vmm {
namespace {

// The kernel does not tell when somebody opens a pseudo terminal that nobody had open.
constexpr std::chrono::milliseconds kReaderPoll{200};

std::string slave_path(int master) {
    unsigned number = 0;
    if (ioctl(master, TIOCGPTN, &number) < 0)
        throw errno_error("get the number of a pseudo terminal");
    return fmt::format("/dev/pts/{}", number);
}

UniqueFd make_pty() {
    UniqueFd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!master || grantpt(master.get()) < 0 || unlockpt(master.get()) < 0)
        throw errno_error("make a pseudo terminal");
    // Raw, so that bytes pass as they are. That the other end was open once is also what makes its
    // absence visible as a hang-up.
    const UniqueFd slave = open_file(slave_path(master.get()), O_RDWR | O_NOCTTY);
    termios settings{};
    if (tcgetattr(slave.get(), &settings) < 0)
        throw errno_error("get the settings of a pseudo terminal");
    cfmakeraw(&settings);
    if (tcsetattr(slave.get(), TCSANOW, &settings) < 0)
        throw errno_error("set up a pseudo terminal");
    return master;
}

bool hung_up(int fd) {
    pollfd state{fd, 0, 0};
    return poll(&state, 1, 0) > 0 && (state.revents & POLLHUP) != 0;
}

}  // namespace

PtyChardev::PtyChardev(const std::string& id, EventLoop& loop, UniqueFd log, UniqueFd master)
    : StreamChardev(id, loop, std::move(log)) {
    attach(master ? std::move(master) : make_pty());
    path_ = slave_path(stream_fd());
}

void PtyChardev::keep(state::OutgoingFds& fds) const {
    StreamChardev::keep(fds);
    fds.add("chardev-" + id(), 0, stream_fd());
}

bool PtyChardev::has_reader() const {
    return !hung_up(stream_fd());
}

void PtyChardev::on_hangup() {
    watch_input(false);
    wait_for_reader();
}

void PtyChardev::wait_for_reader() {
    timer_ = loop().after(kReaderPoll, [this] {
        if (hung_up(stream_fd()))
            wait_for_reader();
        else
            watch_input(true);
    });
}

}  // namespace cpr::vmm
