// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_UNIT_VMM_BOOT_IMAGE_H
#define CPR_UNIT_VMM_BOOT_IMAGE_H

#include <cstdint>
#include <cstring>
#include <vector>

namespace cpr::vmm {

// A kernel file with a good header and `code` bytes of 0x90 behind it.
class BootImage {
  public:
    explicit BootImage(size_t code = 8192) : bytes_(kSetup + code, 0x90) {
        memset(bytes_.data(), 0, kSetup);
        put<uint8_t>(0x1f1, kSetup / 512 - 1);
        put<uint16_t>(0x1fe, 0xaa55);
        put<uint8_t>(0x201, 0x6a);
        put<uint32_t>(0x202, 0x53726448);
        put<uint16_t>(0x206, 0x20f);
        put<uint32_t>(0x22c, 0x7fffffff);
        put<uint32_t>(0x230, 0x200000);
        put<uint8_t>(0x234, 1);
        put<uint16_t>(0x236, 0x7f);
        put<uint32_t>(0x238, 2047);
        put<uint64_t>(0x258, 0x1000000);
        put<uint32_t>(0x260, 0x10000);
    }
    template <typename T>
    BootImage& put(size_t offset, T value) {
        memcpy(bytes_.data() + offset, &value, sizeof(value));
        return *this;
    }
    const std::vector<uint8_t>& bytes() const { return bytes_; }

    static constexpr size_t kSetup = 0x1000;

  private:
    std::vector<uint8_t> bytes_;
};

}  // namespace cpr::vmm

#endif
