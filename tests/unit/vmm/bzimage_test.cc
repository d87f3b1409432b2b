// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/bzimage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/vmm/boot_image.h"

namespace cpr::vmm {
namespace {

constexpr uint64_t kRam = uint64_t{512} << 20;

BzImage parse(const BootImage& image) {
    const auto& bytes = image.bytes();
    return parse_bzimage(std::span(bytes).first(std::min(bytes.size(), kBzImageHead)), bytes.size(),
                         "/boot/kernel");
}

// What is wrong with an image; empty if nothing is.
std::string complaint(const BootImage& image) {
    try {
        parse(image);
        return "";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
        EXPECT_THAT(error.message(), testing::HasSubstr("/boot/kernel"));
        return error.message();
    }
}

TEST(BzImage, ReadsTheHeader) {
    const BzImage image = parse(BootImage(20000));
    EXPECT_EQ(image.code_offset, BootImage::kSetup);
    EXPECT_EQ(image.code_size, 20000u);
    EXPECT_EQ(image.preferred_address, 0x1000000u);
    EXPECT_EQ(image.alignment, 0x200000u);
    EXPECT_EQ(image.memory_size, 0x10000u);
    EXPECT_TRUE(image.relocatable);
    EXPECT_EQ(image.initrd_limit, 0x80000000u);
    EXPECT_EQ(image.cmdline_limit, 2047u);
    EXPECT_EQ(image.setup_header.size(), 0x202 + 0x6a - 0x1f1u);
}

TEST(BzImage, RefusesWhatIsNoKernel) {
    EXPECT_THAT(complaint(BootImage().put<uint32_t>(0x202, 0)), testing::HasSubstr("bzImage"));
    EXPECT_THAT(complaint(BootImage().put<uint16_t>(0x1fe, 0)), testing::HasSubstr("bzImage"));
    const std::vector<uint8_t> tiny(16);
    EXPECT_THROW(parse_bzimage(tiny, tiny.size(), "tiny"), Error);
    EXPECT_THROW(parse_bzimage({}, 0, "empty"), Error);
}

TEST(BzImage, RefusesOldAndThirtyTwoBitKernels) {
    EXPECT_THAT(complaint(BootImage().put<uint16_t>(0x206, 0x20a)), testing::HasSubstr("2.10"));
    EXPECT_THAT(complaint(BootImage().put<uint16_t>(0x236, 0)), testing::HasSubstr("64-bit"));
}

TEST(BzImage, RefusesHeadersThatCannotBeTrue) {
    EXPECT_THAT(complaint(BootImage().put<uint8_t>(0x1f1, 255)), testing::HasSubstr("cut off"));
    EXPECT_THAT(complaint(BootImage().put<uint8_t>(0x201, 4)), testing::HasSubstr("length"));
    EXPECT_THAT(complaint(BootImage().put<uint32_t>(0x230, 0x300000)),
                testing::HasSubstr("alignment"));
    EXPECT_THAT(complaint(BootImage().put<uint32_t>(0x230, 0x80000000)),
                testing::HasSubstr("alignment"));
}

TEST(BzImage, NeedsAtLeastTheSizeOfItsCode) {
    EXPECT_EQ(parse(BootImage(50000).put<uint32_t>(0x260, 5)).memory_size, 50000u);
}

TEST(BzImage, GoesToItsPreferredAddress) {
    EXPECT_EQ(place_kernel(parse(BootImage()), kRam, "k"), 0x1000000u);
}

TEST(BzImage, MovesDownIfItMay) {
    const BzImage image = parse(BootImage().put<uint64_t>(0x258, uint64_t{1} << 40));
    EXPECT_EQ(place_kernel(image, kRam, "k"), 0x200000u);
    const BzImage odd = parse(BootImage().put<uint64_t>(0x258, 0x1000010));
    EXPECT_EQ(place_kernel(odd, kRam, "k"), 0x200000u);
    const BzImage fixed =
        parse(BootImage().put<uint64_t>(0x258, uint64_t{1} << 40).put<uint8_t>(0x234, 0));
    EXPECT_THROW(place_kernel(fixed, kRam, "k"), Error);
}

TEST(BzImage, RefusesAKernelThatIsTooLarge) {
    const BzImage image = parse(BootImage().put<uint32_t>(0x260, 0xffffffff));
    EXPECT_THROW(place_kernel(image, kRam, "k"), Error);
    const BzImage low = parse(BootImage().put<uint64_t>(0x258, 0).put<uint8_t>(0x234, 0));
    EXPECT_THROW(place_kernel(low, kRam, "k"), Error);
}

TEST(BzImage, TheRamDiskGoesAsHighAsItMay) {
    const BzImage image = parse(BootImage());
    EXPECT_EQ(place_initrd(image, 0x1001, 0x2000000, kRam), kRam - 0x2000);
    const BzImage limited = parse(BootImage().put<uint32_t>(0x22c, 0x37fffff));
    EXPECT_EQ(place_initrd(limited, 0x1000, 0x2000000, kRam), 0x3800000u - 0x1000);
}

TEST(BzImage, RefusesARamDiskThatDoesNotFit) {
    const BzImage image = parse(BootImage());
    EXPECT_THROW(place_initrd(image, kRam, 0x2000000, kRam), Error);
    EXPECT_THROW(place_initrd(image, kRam - 0x1fff000, 0x2000000, kRam), Error);
    EXPECT_NO_THROW(place_initrd(image, kRam - 0x2000000, 0x2000000, kRam));
    EXPECT_THROW(place_initrd(image, ~uint64_t{0}, 0x2000000, kRam), Error);
}

}  // namespace
}  // namespace cpr::vmm
