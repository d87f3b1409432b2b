// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_FUZZ_FUZZ_H
#define CPR_TESTS_FUZZ_FUZZ_H

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

// libFuzzer's entry point: input that is refused with an Error is as it should be; whatever else
// leaves the target is a finding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace cpr::fuzz {

// Says what is wrong and ends, as a sanitizer does.
inline void require(bool condition, const char* what) {
    if (condition)
        return;
    std::fprintf(stderr, "not so: %s\n", what);
    std::abort();
}

// Cuts the input as a target needs it.
class Input {
  public:
    Input(const uint8_t* data, size_t size) : rest_(data, size) {}

    // 0 at the end.
    uint8_t byte() {
        if (rest_.empty())
            return 0;
        const uint8_t value = rest_.front();
        rest_ = rest_.subspan(1);
        return value;
    }
    bool empty() const { return rest_.empty(); }
    std::span<const uint8_t> take(size_t size) {
        const auto part = rest_.first(std::min(size, rest_.size()));
        rest_ = rest_.subspan(part.size());
        return part;
    }
    std::span<const uint8_t> rest() { return take(rest_.size()); }
    std::string text() {
        const auto bytes = rest();
        return {bytes.begin(), bytes.end()};
    }

  private:
    std::span<const uint8_t> rest_;
};

inline int lowest_free_fd() {
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(fd);
    return fd;
}

// Runs a target that must leave no descriptor open.
inline int run_without_leak(void (*target)(Input), const uint8_t* data, size_t size) {
    const int before = lowest_free_fd();
    target(Input(data, size));
    require(lowest_free_fd() == before, "no descriptor is left");
    return 0;
}

}  // namespace cpr::fuzz

#endif
