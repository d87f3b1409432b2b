// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/guest_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "vmm/core/platform.h"

namespace cpr::vmm {
namespace {

constexpr uint64_t kMebibyte = uint64_t{1} << 20;

TEST(GuestMemory, ASmallGuestHasOnePiece) {
    const GuestMemory memory(64 * kMebibyte);
    ASSERT_EQ(memory.regions().size(), 1u);
    EXPECT_EQ(memory.regions()[0].gpa, 0u);
    EXPECT_EQ(memory.regions()[0].size, 64 * kMebibyte);
    EXPECT_TRUE(memory.regions()[0].is_ram);
}

TEST(GuestMemory, ALargeGuestGoesOnAtFourGibibytes) {
    const GuestMemory memory(platform::kLowRamLimit + 512 * kMebibyte);
    const auto regions = memory.regions();
    ASSERT_EQ(regions.size(), 2u);
    EXPECT_EQ(regions[0].size, platform::kLowRamLimit);
    EXPECT_EQ(regions[1].gpa, platform::kHighRamBase);
    EXPECT_EQ(regions[1].size, 512 * kMebibyte);
    EXPECT_EQ(static_cast<uint8_t*>(regions[1].host) - static_cast<uint8_t*>(regions[0].host),
              static_cast<ptrdiff_t>(platform::kLowRamLimit));
}

TEST(GuestMemory, TheDescriptorIsCloseOnExecAndOfFixedSize) {
    const GuestMemory memory(64 * kMebibyte);
    EXPECT_TRUE(fcntl(memory.fd(), F_GETFD) & FD_CLOEXEC);
    EXPECT_EQ(ftruncate(memory.fd(), 0), -1);
}

TEST(GuestMemory, PreservedMemoryKeepsItsContentAndItsPages) {
    auto old = std::make_unique<GuestMemory>(64 * kMebibyte);
    auto* old_bytes = static_cast<uint8_t*>(old->regions()[0].host);
    old_bytes[12345] = 0x77;
    const GuestMemory fresh(64 * kMebibyte, UniqueFd(dup(old->fd())));
    auto* bytes = static_cast<uint8_t*>(fresh.regions()[0].host);
    EXPECT_EQ(bytes[12345], 0x77);
    // The very same pages, not a copy.
    bytes[12345] = 0x78;
    EXPECT_EQ(old_bytes[12345], 0x78);
    old.reset();
    EXPECT_EQ(bytes[12345], 0x78);
}

TEST(GuestMemory, PrivateMemoryIsMemoryWithoutADescriptor) {
    const GuestMemory memory(64 * kMebibyte, GuestMemory::Sharing::kPrivate);
    EXPECT_EQ(memory.fd(), -1);
    auto* bytes = static_cast<uint8_t*>(memory.regions()[0].host);
    EXPECT_EQ(bytes[12345], 0);
    bytes[12345] = 0x77;
    const pid_t child = fork();
    if (child == 0) {
        // Not in a child, and so nowhere else.
        unsigned char page = 0;
        _exit(mincore(bytes, 1, &page) < 0 ? 0 : 1);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(GuestMemory, RefusesPreservedMemoryOfAnotherSize) {
    const GuestMemory old(64 * kMebibyte);
    try {
        const GuestMemory fresh(128 * kMebibyte, UniqueFd(dup(old.fd())));
        FAIL() << "memory of the wrong size was accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCorruptState);
    }
}

TEST(GuestMemory, RefusesSizesThatNoMachineHas) {
    EXPECT_THROW(GuestMemory(0), Error);
    EXPECT_THROW(GuestMemory{kMebibyte}, Error);
    EXPECT_THROW(GuestMemory(64 * kMebibyte + 4096), Error);
    EXPECT_THROW(GuestMemory(uint64_t{1} << 50), Error);
}

}  // namespace
}  // namespace cpr::vmm
