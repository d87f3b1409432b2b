// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/guest_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "vmm/core/platform.h"

namespace cpr::vmm {
namespace {

constexpr uint64_t kMebibyte = uint64_t{1} << 20;
constexpr uint64_t kMinimum = 32 * kMebibyte;
constexpr uint64_t kMaximum =
    platform::kPciMmio64Base - platform::kHighRamBase + platform::kLowRamLimit;

void check_size(uint64_t bytes) {
    if (bytes < kMinimum || bytes > kMaximum || bytes % kMebibyte != 0)
        throw Error(ErrorCode::kInvalidArgument,
                    "a guest cannot have {} bytes of memory: it takes whole MiB, from {} to {}",
                    bytes, kMinimum / kMebibyte, kMaximum / kMebibyte);
}

UniqueFd make(uint64_t bytes) {
    UniqueFd fd(memfd_create("pc.ram", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd)
        throw errno_error("make the guest's memory");
    if (ftruncate(fd.get(), static_cast<off_t>(bytes)) < 0)
        throw errno_error("size the guest's memory");
    // Another process that holds the descriptor must not be able to pull pages from under us.
    if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        throw errno_error("seal the size of the guest's memory");
    return fd;
}

}  // namespace

GuestMemory::GuestMemory(uint64_t bytes, std::optional<UniqueFd> preserved) : bytes_(bytes) {
    check_size(bytes);
    if (preserved) {
        fd_ = std::move(*preserved);
        struct stat info {};
        if (fstat(fd_.get(), &info) < 0)
            throw errno_error("stat the guest's memory");
        if (static_cast<uint64_t>(info.st_size) != bytes)
            throw Error(ErrorCode::kCorruptState,
                        "the guest's memory has {} bytes, the configuration says {}", info.st_size,
                        bytes);
    } else {
        fd_ = make(bytes);
    }
    map();
    touch();
}

GuestMemory::GuestMemory(uint64_t bytes, Sharing sharing) : bytes_(bytes) {
    check_size(bytes);
    if (sharing == Sharing::kShared)
        fd_ = make(bytes);
    map();
}

void GuestMemory::map() {
    const int flags = fd_ ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    host_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags, fd_.get(), 0);
    if (host_ == MAP_FAILED)
        throw errno_error("map the guest's memory");
    // A child that we fork has no business in there.
    if (madvise(host_, bytes_, MADV_DONTFORK) < 0 || madvise(host_, bytes_, MADV_DONTDUMP) < 0)
        log::debug("the guest's memory is not kept from children and core dumps");
    // After an update KVM meets each page anew, and the guest waits: better for 2 MiB than for 4
    // KiB.
    if (madvise(host_, bytes_, MADV_HUGEPAGE) < 0)
        log::debug("the guest's memory is not in huge pages");
}

// A mapping that does not work must show before the guest runs in it.
void GuestMemory::touch() const {
    const auto* bytes = static_cast<const volatile uint8_t*>(host_);
    (void)bytes[0];
    (void)bytes[bytes_ - 1];
}

GuestMemory::~GuestMemory() {
    munmap(host_, bytes_);
}

std::vector<MemoryRegion> GuestMemory::regions() const {
    const uint64_t low = std::min(bytes_, platform::kLowRamLimit);
    std::vector<MemoryRegion> all{{0, low, host_, true, false, "ram-low"}};
    if (bytes_ > low)
        all.push_back({platform::kHighRamBase, bytes_ - low, static_cast<uint8_t*>(host_) + low,
                       true, false, "ram-high"});
    return all;
}

}  // namespace cpr::vmm
