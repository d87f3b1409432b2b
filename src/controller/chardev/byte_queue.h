// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_BYTE_QUEUE_H
#define CPR_CONTROLLER_CHARDEV_BYTE_QUEUE_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cpr::controller {

// Bytes on their way, in order.
class ByteQueue {
  public:
    // What a queue is filled up to in normal operation; what is read before a limit is asked for is
    // kept all the same.
    static constexpr size_t kLimit = size_t{64} << 10;

    bool empty() const { return bytes_.empty(); }
    size_t room() const { return bytes_.size() < kLimit ? kLimit - bytes_.size() : 0; }
    std::span<const uint8_t> bytes() const { return bytes_; }

    void append(std::span<const uint8_t> more) {
        bytes_.insert(bytes_.end(), more.begin(), more.end());
    }
    // Before all that is there.
    void prepend(std::span<const uint8_t> more) {
        bytes_.insert(bytes_.begin(), more.begin(), more.end());
    }
    void drop(size_t count) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(count));
    }
    void clear() { bytes_.clear(); }

  private:
    std::vector<uint8_t> bytes_;
};

}  // namespace cpr::controller

#endif
