// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHECKPOINT_SHORTAGES_H
#define CPR_VMM_CHECKPOINT_SHORTAGES_H

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/process_use.h"
#include "vmm/checkpoint/blockers.h"

namespace cpr::vmm {

// Memory that can be had without anybody's harm, in bytes: of the whole host, or of a control group
// that this process is in.
struct MemoryRoom {
    Text where;
    uint64_t available;
};

// As far as they can be read: the host's, and those of control groups (version 2) with a limit.
// `proc` and `cgroup` are where those file systems are mounted.
std::vector<MemoryRoom> memory_rooms(const std::filesystem::path& proc,
                                     const std::filesystem::path& cgroup);

// Adds a blocker for each limit of this process's that a new program in its place would exceed,
// with that many descriptors carried over. Never throws: what cannot be read is not compared.
void find_shortages(size_t descriptors, std::vector<Blocker>& found);

// The parts of it.
void check_locked_memory(const ProcessUse& use, uint64_t limit, std::vector<Blocker>& found);
void check_free_memory(const ProcessUse& use, const std::vector<MemoryRoom>& rooms,
                       std::vector<Blocker>& found);

}  // namespace cpr::vmm

#endif
