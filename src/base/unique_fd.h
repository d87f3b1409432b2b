// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_UNIQUE_FD_H
#define CPR_BASE_UNIQUE_FD_H

#include <span>
#include <utility>
#include <vector>

namespace cpr {

// Owns a file descriptor; closes it at the end. -1 is none.
class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other)
            reset(other.release());
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1);

    // A close-on-exec duplicate. Throws Error.
    UniqueFd dup() const;

  private:
    int fd_ = -1;
};

// A close-on-exec duplicate of a descriptor of somebody else's. Throws Error.
UniqueFd dup_fd(int fd);
// The numbers, still owned by `fds`.
std::vector<int> fd_numbers(std::span<const UniqueFd> fds);
// Sets or clears close-on-exec. Throws Error.
void set_cloexec(int fd, bool on);
// Throws Error.
void set_nonblocking(int fd, bool on);

}  // namespace cpr

#endif
