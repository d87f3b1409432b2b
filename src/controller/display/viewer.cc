// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/display/viewer.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

namespace cpr::controller {
namespace {

// At one go, so that others get their turn.
constexpr size_t kMostAtOnce = size_t{16} << 10;

bool is_later(ssize_t result) {
    return result < 0 && (errno == EAGAIN || errno == EINTR);
}

// False at the end of the connection.
bool read_some(int fd, ByteQueue& queue) {
    std::array<uint8_t, kMostAtOnce> buffer{};
    const size_t size = std::min(queue.room(), buffer.size());
    if (size == 0)
        return true;
    const ssize_t got = recv(fd, buffer.data(), size, MSG_DONTWAIT);
    if (got > 0)
        queue.append({buffer.data(), static_cast<size_t>(got)});
    return got > 0 || is_later(got);
}

// False if nothing will be taken any more.
bool write_some(int fd, ByteQueue& queue) {
    if (queue.empty())
        return true;
    const auto bytes = queue.bytes();
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0)
        queue.drop(static_cast<size_t>(sent));
    return sent > 0 || is_later(sent);
}

}  // namespace

Viewer::Side::Side(EventLoop& loop, UniqueFd socket, Viewer& viewer)
    : fd(std::move(socket)), watch(loop, [this, &viewer](GIOCondition condition) {
          viewer.on_ready(condition, *this,
                          this == &viewer.viewer_ ? viewer.qemu_ : viewer.viewer_);
      }) {}

Viewer::Viewer(EventLoop& loop, UniqueFd viewer, UniqueFd qemu, std::function<void()> on_end)
    : on_end_(std::move(on_end)),
      viewer_(loop, std::move(viewer), *this),
      qemu_(loop, std::move(qemu), *this) {
    update();
}

// What one side sends goes on at once, without a turn of the loop.
void Viewer::on_ready(GIOCondition condition, Side& from, Side& to) {
    if ((condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) != 0 && !from.at_end)
        from.at_end = !read_some(from.fd.get(), to.queue);
    for (Side* side : {&from, &to})
        if (!write_some(side->fd.get(), side->queue)) {
            side->queue.clear();
            side->at_end = true;
        }
    update();
}

void Viewer::update() {
    if (ended_)
        return;
    if ((viewer_.at_end && qemu_.queue.empty()) || (qemu_.at_end && viewer_.queue.empty())) {
        ended_ = true;
        for (Side* side : {&viewer_, &qemu_}) {
            side->watch.clear();
            side->fd.reset();
        }
        on_end_();
        return;
    }
    for (const auto& [side, other] : {std::pair(&viewer_, &qemu_), std::pair(&qemu_, &viewer_)}) {
        unsigned conditions = side->queue.empty() ? 0 : G_IO_OUT;
        if (!side->at_end && other->queue.room() > 0)
            conditions |= G_IO_IN;
        side->watch.set(side->fd.get(), conditions);
    }
}

}  // namespace cpr::controller
