// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/pump.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

namespace cpr::controller {
namespace {

// At one go, so that other devices get their turn.
constexpr size_t kMostAtOnce = size_t{16} << 10;

bool is_later(ssize_t result) {
    return result < 0 && (errno == EAGAIN || errno == EINTR);
}

// What is there now.
ssize_t receive(int fd, std::span<uint8_t> buffer) {
    ssize_t got = 0;
    do {
        got = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    return got;
}

// A pseudo terminal is no socket.
ssize_t write_some(int fd, std::span<const uint8_t> bytes) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 && errno == ENOTSOCK ? write(fd, bytes.data(), bytes.size()) : sent;
}

// False if nothing will be taken any more.
bool write_queue(int fd, ByteQueue& queue) {
    while (!queue.empty()) {
        const ssize_t written = write_some(fd, queue.bytes());
        if (written <= 0)
            return written == 0 || is_later(written);
        queue.drop(static_cast<size_t>(written));
    }
    return true;
}

}  // namespace

Pump::Pump(EventLoop& loop, StreamPair pair, std::unique_ptr<OuterEnd> outer)
    : pair_(std::move(pair)),
      outer_(std::move(outer)),
      inner_watch_(loop, [this](GIOCondition condition) { on_inner(condition); }),
      outer_watch_(loop, [this](GIOCondition condition) { on_outer(condition); }) {
    outer_->on_user([this] { on_user(); });
    update_watches();
}

Pump::~Pump() {
    drain_inner();
    write_outer();
}

void Pump::on_inner(GIOCondition condition) {
    // What a QEMU that has hung up wrote is all there is: taking it at once keeps the loop from
    // spinning.
    if ((condition & (G_IO_HUP | G_IO_ERR)) != 0)
        drain_inner();
    else if ((condition & G_IO_IN) != 0)
        read_inner(std::min(kMostAtOnce, to_outside_.room()));
    write_inner();
    write_outer();
    update_watches();
}

void Pump::on_outer(GIOCondition condition) {
    write_outer();
    if ((condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) != 0)
        read_outer();
    write_inner();
    update_watches();
}

void Pump::on_user() {
    outer_deaf_ = false;
    update_watches();
}

void Pump::read_inner(size_t most) {
    std::array<uint8_t, kMostAtOnce> buffer{};
    const size_t size = std::min(most, buffer.size());
    const ssize_t got = receive(pair_.ours.get(), std::span(buffer).first(size));
    if (got > 0)
        to_outside_.append({buffer.data(), static_cast<size_t>(got)});
    else if (size > 0 && !is_later(got))
        inner_ended_ = true;
}

// Descriptors that a client sends with its bytes are closed by the kernel: nobody asks for them.
void Pump::read_outer() {
    const int fd = outer_->fd();
    const size_t room = std::min(kMostAtOnce, to_guest_.room());
    if (held_ || fd < 0 || room == 0)
        return;
    std::array<uint8_t, kMostAtOnce> buffer{};
    const ssize_t got = read(fd, buffer.data(), room);
    if (got > 0) {
        to_guest_.append({buffer.data(), static_cast<size_t>(got)});
    } else if (!is_later(got)) {
        to_outside_.clear();
        outer_watch_.clear();
        outer_deaf_ = false;
        outer_->user_left();
    }
}

void Pump::write_inner() {
    if (!held_ && !inner_ended_)
        inner_ended_ = !write_queue(pair_.ours.get(), to_guest_);
}

void Pump::write_outer() {
    const int fd = outer_->fd();
    const bool heard = fd >= 0 && !outer_deaf_ && outer_->has_reader();
    if (heard)
        outer_deaf_ = !write_queue(fd, to_outside_);
    if (!heard || outer_deaf_)
        to_outside_.clear();
}

// No more than the socket's buffer holds.
void Pump::drain_inner() {
    std::array<uint8_t, kMostAtOnce> buffer{};
    ssize_t got = 0;
    while ((got = receive(pair_.ours.get(), buffer)) > 0)
        to_outside_.append({buffer.data(), static_cast<size_t>(got)});
    inner_ended_ = !is_later(got);
}

// In one read of all there is, which the kernel does without letting QEMU read in between: so QEMU
// has what came before, and nothing of what came after.
void Pump::take_back() {
    std::vector<uint8_t> unread;
    int size = 0;
    while (ioctl(pair_.qemus.get(), FIONREAD, &size) == 0 && size > 0) {
        const size_t start = unread.size();
        unread.resize(start + static_cast<size_t>(size));
        const ssize_t got = receive(pair_.qemus.get(), std::span(unread).subspan(start));
        unread.resize(start + static_cast<size_t>(std::max<ssize_t>(got, 0)));
        if (got <= 0)
            break;
    }
    to_guest_.prepend(unread);
}

UniqueFd Pump::make_next() {
    next_ = StreamPair::make();
    return next_->qemus.dup();
}

void Pump::hold() {
    held_ = true;
    take_back();
    update_watches();
}

void Pump::switch_over() {
    drain_inner();
    take_back();
    inner_watch_.clear();
    pair_ = std::move(*std::exchange(next_, std::nullopt));
    inner_ended_ = false;
    go_on();
}

void Pump::go_on_with_old() {
    next_.reset();
    go_on();
}

void Pump::go_on() {
    held_ = false;
    write_inner();
    write_outer();
    update_watches();
}

void Pump::update_watches() {
    const int fd = outer_->fd();
    unsigned inner = 0;
    unsigned outer = 0;
    if (!inner_ended_ && to_outside_.room() > 0)
        inner |= G_IO_IN;
    if (!inner_ended_ && !held_ && !to_guest_.empty())
        inner |= G_IO_OUT;
    if (!held_ && to_guest_.room() > 0)
        outer |= G_IO_IN;
    if (!to_outside_.empty())
        outer |= G_IO_OUT;
    inner_watch_.set(pair_.ours.get(), inner);
    outer_watch_.set(fd, outer);
}

}  // namespace cpr::controller
