// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHARDEV_OUTPUT_QUEUE_H
#define CPR_VMM_CHARDEV_OUTPUT_QUEUE_H

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/event_loop.h"

namespace cpr::vmm {

// Bytes on their way to a descriptor that does not block: what it does not take at once is kept, up
// to a limit, and sent as soon as it does. write() may be called on any thread, the rest on the
// loop's.
class OutputQueue {
  public:
    // What a slow reader may be behind; more is dropped.
    static constexpr size_t kMaxPending = size_t{1} << 20;

    explicit OutputQueue(EventLoop& loop);
    ~OutputQueue();
    OutputQueue(const OutputQueue&) = delete;
    OutputQueue& operator=(const OutputQueue&) = delete;

    // Sends to `fd` (borrowed, not blocking) from now on; -1: nowhere, and what waits is dropped.
    void set_fd(int fd);
    // While held everything waits.
    void set_held(bool held);
    // Returns how many bytes were dropped.
    size_t write(std::span<const uint8_t> data);
    std::vector<uint8_t> pending() const;

  private:
    // Both with mutex_ held.
    size_t send_now(std::span<const uint8_t> data);
    void request_watch();
    void watch();
    bool on_writable();

    EventLoop& loop_;
    mutable std::mutex mutex_;
    int fd_ = -1;
    std::deque<uint8_t> pending_;
    bool held_ = false;
    bool watch_requested_ = false;
    EventSource watch_;
    // For functions posted to the loop, which may run after this object's end.
    std::shared_ptr<OutputQueue*> self_;
};

}  // namespace cpr::vmm

#endif
