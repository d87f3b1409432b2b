// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/chardev/stream_chardev.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace cpr::vmm {

StreamChardev::StreamChardev(std::string id, EventLoop& loop, UniqueFd log)
    : Chardev(std::move(id)),
      loop_(loop),
      log_(std::move(log)),
      output_(loop),
      log_output_(loop),
      self_(std::make_shared<StreamChardev*>(this)) {
    if (log_) {
        set_nonblocking(log_.get(), true);
        log_output_.set_fd(log_.get());
    }
}

void StreamChardev::keep(state::OutgoingFds& fds) const {
    if (log_)
        fds.add("chardev-" + id() + "-log", 0, log_.get());
}

void StreamChardev::attach(UniqueFd fd) {
    set_nonblocking(fd.get(), true);
    fd_ = std::move(fd);
    output_.set_fd(fd_.get());
    watch_input(true);
}

UniqueFd StreamChardev::detach() {
    watch_input(false);
    output_.set_fd(-1);
    return std::move(fd_);
}

void StreamChardev::watch_input(bool on) {
    input_.cancel();
    if (on && fd_ && receiver_.receive && !held_)
        input_ = loop_.watch_fd(fd_.get(), G_IO_IN, [this](GIOCondition) { return on_input(); });
}

void StreamChardev::write(std::span<const uint8_t> data) {
    if (log_)
        log_output_.write(data);
    if (has_reader())
        output_.write(data);
}

void StreamChardev::set_receiver(Receiver receiver) {
    receiver_ = std::move(receiver);
    watch_input(true);
}

void StreamChardev::set_held(bool held) {
    held_ = held;
    output_.set_held(held);
    watch_input(!held);
}

void StreamChardev::accept_input() {
    if (!input_paused_.exchange(false))
        return;
    loop_.post([weak = std::weak_ptr(self_)] {
        if (const auto self = weak.lock())
            (*self)->watch_input(true);
    });
}

bool StreamChardev::on_input() {
    std::array<uint8_t, 4096> buffer{};
    {
        const auto lock = lock_machine();
        // Set before the question, so that room that comes right after it is not overlooked.
        input_paused_ = true;
        const size_t room = std::min(buffer.size(), receiver_.room());
        if (room == 0) {
            input_.cancel();
            return false;
        }
        input_paused_ = false;
        const ssize_t got = read(fd_.get(), buffer.data(), room);
        if (got > 0) {
            receiver_.receive({buffer.data(), static_cast<size_t>(got)});
            return true;
        }
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
    }
    on_hangup();
    return false;
}

}  // namespace cpr::vmm
