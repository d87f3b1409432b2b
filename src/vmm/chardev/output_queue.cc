// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/chardev/output_queue.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace cpr::vmm {

OutputQueue::OutputQueue(EventLoop& loop)
    : loop_(loop), self_(std::make_shared<OutputQueue*>(this)) {}

OutputQueue::~OutputQueue() = default;

void OutputQueue::set_fd(int fd) {
    const std::lock_guard guard(mutex_);
    watch_.cancel();
    watch_requested_ = false;
    fd_ = fd;
    if (fd_ < 0)
        pending_.clear();
    else if (!pending_.empty() && !held_)
        request_watch();
}

void OutputQueue::set_held(bool held) {
    const std::lock_guard guard(mutex_);
    held_ = held;
    watch_.cancel();
    watch_requested_ = false;
    if (!held_ && fd_ >= 0 && !pending_.empty())
        request_watch();
}

size_t OutputQueue::send_now(std::span<const uint8_t> data) {
    size_t done = 0;
    while (done < data.size()) {
        const ssize_t put = ::write(fd_, data.data() + done, data.size() - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno != EAGAIN)
            return data.size();  // nobody there any more: dropped, the reading side sees the end
        if (put <= 0)
            break;
        done += static_cast<size_t>(put);
    }
    return done;
}

size_t OutputQueue::write(std::span<const uint8_t> data) {
    const std::lock_guard guard(mutex_);
    if (fd_ < 0)
        return data.size();
    if (pending_.empty() && !held_)
        data = data.subspan(send_now(data));
    const size_t kept = std::min(data.size(), kMaxPending - pending_.size());
    pending_.insert(pending_.end(), data.begin(), data.begin() + static_cast<ptrdiff_t>(kept));
    if (!pending_.empty() && !held_)
        request_watch();
    return data.size() - kept;
}

std::vector<uint8_t> OutputQueue::pending() const {
    const std::lock_guard guard(mutex_);
    return {pending_.begin(), pending_.end()};
}

void OutputQueue::request_watch() {
    if (std::exchange(watch_requested_, true))
        return;
    loop_.post([weak = std::weak_ptr(self_)] {
        if (const auto self = weak.lock())
            (*self)->watch();
    });
}

void OutputQueue::watch() {
    const std::lock_guard guard(mutex_);
    if (fd_ >= 0 && watch_requested_ && !watch_)
        watch_ = loop_.watch_fd(fd_, G_IO_OUT, [this](GIOCondition) { return on_writable(); });
}

bool OutputQueue::on_writable() {
    const std::lock_guard guard(mutex_);
    std::array<uint8_t, 4096> chunk{};
    while (!pending_.empty()) {
        const size_t size = std::min(chunk.size(), pending_.size());
        std::copy_n(pending_.begin(), size, chunk.begin());
        const size_t done = send_now({chunk.data(), size});
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(done));
        if (done < size)
            return true;
    }
    watch_requested_ = false;
    watch_.cancel();
    return false;
}

}  // namespace cpr::vmm
