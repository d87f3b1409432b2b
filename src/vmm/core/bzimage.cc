// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/bzimage.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"

namespace cpr::vmm {
namespace {

// Offsets in the file (boot.rst, "The Real-Mode Kernel Header").
constexpr size_t kSetupSectors = 0x1f1;
constexpr size_t kBootFlag = 0x1fe;
constexpr size_t kHeaderEnd = 0x201;
constexpr size_t kMagic = 0x202;
constexpr size_t kVersion = 0x206;
constexpr size_t kInitrdMax = 0x22c;
constexpr size_t kAlignment = 0x230;
constexpr size_t kRelocatable = 0x234;
constexpr size_t kLoadFlags64 = 0x236;
constexpr size_t kCmdlineSize = 0x238;
constexpr size_t kPreferredAddress = 0x258;
constexpr size_t kInitSize = 0x260;
constexpr size_t kSmallest = 0x264;

constexpr uint16_t kBootFlagValue = 0xaa55;
constexpr uint32_t kMagicValue = 0x53726448;  // "HdrS"
constexpr uint16_t kMinimumVersion = 0x20c;   // 2.12, Linux 3.8, which has the 64-bit entry
constexpr uint16_t kHas64BitEntry = 1;
constexpr uint64_t kSector = 512;
constexpr uint64_t kMebibyte = uint64_t{1} << 20;
constexpr uint64_t kPage = 4096;
// An alignment beyond this cannot be meant.
constexpr uint64_t kMaxAlignment = uint64_t{1} << 30;

template <typename T>
T field(std::span<const uint8_t> head, size_t offset) {
    T value;
    memcpy(&value, head.data() + offset, sizeof(value));
    return value;
}

[[noreturn]] void refuse(const std::string& name, const Text& why) {
    throw Error(ErrorCode::kInvalidArgument, "'{}' is no kernel that can be booted: {}", name, why);
}

void check_format(std::span<const uint8_t> head, const std::string& name) {
    if (head.size() < kSmallest || field<uint16_t>(head, kBootFlag) != kBootFlagValue ||
        field<uint32_t>(head, kMagic) != kMagicValue)
        refuse(name, "it is not a Linux kernel image (bzImage)");
    const auto version = field<uint16_t>(head, kVersion);
    if (version < kMinimumVersion)
        refuse(name, Text("its boot protocol is {}.{}, 2.12 or later is needed", version >> 8,
                          version & 0xff));
    if (!(field<uint16_t>(head, kLoadFlags64) & kHas64BitEntry))
        refuse(name, "it has no 64-bit entry");
}

uint64_t round_up(uint64_t value, uint64_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

}  // namespace

BzImage parse_bzimage(std::span<const uint8_t> head, uint64_t file_size, const std::string& name) {
    check_format(head, name);
    BzImage image;
    const uint64_t sectors = head[kSetupSectors] == 0 ? 4 : head[kSetupSectors];
    image.code_offset = (sectors + 1) * kSector;
    if (file_size <= image.code_offset)
        refuse(name, "the file is cut off");
    image.code_size = file_size - image.code_offset;

    const size_t end = kMagic + head[kHeaderEnd];
    if (end < kSmallest || end > head.size() || end > image.code_offset)
        refuse(name, "its setup header has a wrong length");
    const auto header = head.subspan(kSetupSectors, end - kSetupSectors);
    image.setup_header.assign(header.begin(), header.end());

    image.preferred_address = field<uint64_t>(head, kPreferredAddress);
    image.alignment = std::max<uint64_t>(field<uint32_t>(head, kAlignment), kPage);
    image.memory_size = std::max<uint64_t>(field<uint32_t>(head, kInitSize), image.code_size);
    image.relocatable = field<uint8_t>(head, kRelocatable) != 0;
    image.initrd_limit = uint64_t{field<uint32_t>(head, kInitrdMax)} + 1;
    image.cmdline_limit = field<uint32_t>(head, kCmdlineSize);
    if (!std::has_single_bit(image.alignment) || image.alignment > kMaxAlignment)
        refuse(name, Text("it wants an alignment of {:#x} bytes", image.alignment));
    return image;
}

uint64_t place_kernel(const BzImage& image, uint64_t ram_end, const std::string& name) {
    const auto fits = [&](uint64_t address) {
        return address >= kMebibyte && address < ram_end && image.memory_size <= ram_end - address;
    };
    if (image.preferred_address % kPage == 0 && fits(image.preferred_address))
        return image.preferred_address;
    const uint64_t lowest = round_up(kMebibyte, image.alignment);
    if (image.relocatable && fits(lowest))
        return lowest;
    throw Error(ErrorCode::kInvalidArgument,
                "kernel '{}' does not fit into the guest's memory: it needs {} MiB at {:#x}", name,
                image.memory_size / kMebibyte + 1, image.preferred_address);
}

uint64_t place_initrd(const BzImage& image, uint64_t size, uint64_t kernel_end, uint64_t ram_end) {
    const uint64_t limit = std::min(image.initrd_limit, ram_end);
    if (size > limit || (limit - size) / kPage * kPage < kernel_end)
        throw Error(ErrorCode::kInvalidArgument,
                    "the initial RAM disk of {} MiB does not fit into the guest's memory between "
                    "{:#x} and {:#x}",
                    size / kMebibyte + 1, kernel_end, limit);
    return (limit - size) / kPage * kPage;
}

}  // namespace cpr::vmm
