// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/checkpoint/shortages.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/log.h"

namespace cpr::vmm {
namespace {

namespace fs = std::filesystem;

// Files that come and go with an update: the new binary, the table of descriptors, and what the
// libraries of a program open at its start.
constexpr size_t kPassingFiles = 16;
// The state, twice (as a memfd and as the new program reads it), and that program's own pages.
constexpr uint64_t kPassingMemory = uint64_t{16} << 20;
constexpr uint64_t kKib = 1024;

// A field of a file of "key value" lines.
std::optional<uint64_t> field(const fs::path& path, std::string_view key) {
    std::ifstream file(path);
    std::string name;
    uint64_t value = 0;
    while (file >> name) {
        if (name == key && file >> value)
            return value;
        file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    return std::nullopt;
}

// The number that a file consists of; empty also for "max".
std::optional<uint64_t> number(const fs::path& path) {
    std::ifstream file(path);
    uint64_t value = 0;
    return file >> value ? std::optional(value) : std::nullopt;
}

// The path of this process's control group, of version 2, such as "/machine.slice/x.scope".
std::string control_group(const fs::path& proc) {
    constexpr std::string_view kVersion2 = "0::";
    std::ifstream file(proc / "self/cgroup");
    std::string line;
    while (std::getline(file, line))
        if (line.starts_with(kVersion2))
            return line.substr(kVersion2.size());
    return {};
}

// What files occupy can be had back; the guest's memory, which is shared memory, is no file here.
std::optional<uint64_t> room_in(const fs::path& group) {
    const auto limit = number(group / "memory.max");
    const auto used = number(group / "memory.current");
    if (!limit || !used)
        return std::nullopt;
    const fs::path statistics = group / "memory.stat";
    const uint64_t files = field(statistics, "inactive_file").value_or(0) +
                           field(statistics, "active_file").value_or(0);
    const uint64_t kept = *used - std::min(*used, files);
    return *limit - std::min(*limit, kept);
}

}  // namespace

std::vector<MemoryRoom> memory_rooms(const fs::path& proc, const fs::path& cgroup) {
    std::vector<MemoryRoom> rooms;
    if (const auto kib = field(proc / "meminfo", "MemAvailable:"))
        rooms.push_back({N_("the host"), *kib * kKib});
    for (fs::path group = control_group(proc); group.has_relative_path();
         group = group.parent_path())
        if (const auto room = room_in(cgroup / group.relative_path()))
            rooms.push_back({Text("the control group '{}'", group.string()), *room});
    return rooms;
}

// drivers/vfio/vfio_iommu_type1.c, vfio_change_dma_owner(): whoever claims a mapping is charged
// with all its pinned pages. That is what this process is charged with now.
void check_locked_memory(const ProcessUse& use, uint64_t limit, std::vector<Blocker>& found) {
    if (use.locked <= limit || use.has_capability(CAP_IPC_LOCK))
        return;
    found.push_back(
        {"memlock-too-low",
         Text("the new VMM has to lock {} KiB of memory for passthrough devices, but process "
              "{} may lock {} KiB (RLIMIT_MEMLOCK)",
              use.locked / kKib, getpid(), limit / kKib),
         Text("raise the limit (prlimit --pid {} --memlock={}), for the next start of the "
              "domain by <memtune><hard_limit>",
              getpid(), use.locked)});
}

// The old program's memory is given back at the exec, but the kernel takes its time with that; the
// new one needs as much as the old one has by now. The guest's memory stays where it is.
void check_free_memory(const ProcessUse& use, const std::vector<MemoryRoom>& rooms,
                       std::vector<Blocker>& found) {
    const uint64_t needed = use.anonymous + use.page_tables + kPassingMemory;
    for (const MemoryRoom& room : rooms)
        if (room.available < needed)
            found.push_back(
                {"no-memory",
                 Text("the new VMM needs {} KiB of memory beside the guest's ({} KiB as the "
                      "present one has, page tables included, and {} KiB for the update), "
                      "but {} has {} KiB left",
                      needed / kKib, (use.anonymous + use.page_tables) / kKib,
                      kPassingMemory / kKib, room.where, room.available / kKib),
                 N_("free memory there, or raise the control group's limit (<memtune><hard_limit>, "
                    "memory.max)")});
}

void find_shortages(size_t descriptors, std::vector<Blocker>& found) {
    try {
        const ProcessUse use = process_use("self");
        rlimit limit{};
        if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
            check_locked_memory(use, limit.rlim_cur, found);
        // A guest's private memory, which cannot be told apart here, is a blocker of its own.
        if (std::ranges::find(found, "memory-not-shared", &Blocker::id) == found.end())
            check_free_memory(use, memory_rooms("/proc", "/sys/fs/cgroup"), found);
        // The new program holds what it is given until the guest runs, and takes duplicates.
        if (const auto files = file_shortage(N_("the VMM"), descriptors + kPassingFiles))
            found.push_back({"too-many-files", files->reason, files->remedy});
    } catch (const Error& error) {
        log::warning("not all limits can be compared: {}", error.message());
    }
}

}  // namespace cpr::vmm
