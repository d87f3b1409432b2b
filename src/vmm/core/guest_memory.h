// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_GUEST_MEMORY_H
#define CPR_VMM_CORE_GUEST_MEMORY_H

#include <cstdint>
#include <optional>
#include <vector>

#include "base/unique_fd.h"
#include "vmm/core/memory_map.h"

namespace cpr::vmm {

// The guest's RAM: one shared memfd, mapped whole, or memory of this process alone. Its first part
// is the guest's memory from 0, the rest the memory from 4 GiB on (core/platform.h). An update
// carries the memfd over: the content is never copied.
class GuestMemory {
  public:
    enum class Sharing { kShared, kPrivate };
    static constexpr const char* kFdName = "ram";

    // New memory, or, with `preserved`, what an old binary left. Throws Error kInvalidArgument for
    // a size that no machine can have, kCorruptState if the preserved memfd has another size.
    explicit GuestMemory(uint64_t bytes, std::optional<UniqueFd> preserved = std::nullopt);
    // New memory.
    GuestMemory(uint64_t bytes, Sharing sharing);
    ~GuestMemory();
    GuestMemory(const GuestMemory&) = delete;
    GuestMemory& operator=(const GuestMemory&) = delete;

    // -1 for private memory, which cannot be carried over.
    int fd() const { return fd_.get(); }
    // The pieces of guest-physical memory, by address.
    std::vector<MemoryRegion> regions() const;

  private:
    void touch() const;
    void map();

    uint64_t bytes_;
    UniqueFd fd_;
    void* host_ = nullptr;
};

}  // namespace cpr::vmm

#endif
