// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_MEMORY_MAP_H
#define CPR_VMM_CORE_MEMORY_MAP_H

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace cpr::vmm {

// A piece of guest-physical memory that is backed by this process's memory: RAM, or a BAR of a
// passthrough device. Page aligned.
struct MemoryRegion {
    uint64_t gpa = 0;
    uint64_t size = 0;
    void* host = nullptr;
    bool is_ram = false;     // else a device's memory (BAR)
    bool read_only = false;  // the guest may not write it
    std::string name;        // for errors and logs
};

// Follows the memory map, as a VFIO container does for DMA. Called under the machine lock; may
// throw Error, and then the change did not happen.
class MemoryListener {
  public:
    virtual ~MemoryListener() = default;
    virtual void region_added(const MemoryRegion& region) = 0;
    virtual void region_removed(const MemoryRegion& region) = 0;
};

// Sets a KVM memory slot; size 0 removes it. The seam to KVM.
class MemorySlots {
  public:
    virtual ~MemorySlots() = default;
    virtual void set_slot(uint32_t slot, const MemoryRegion& region) = 0;
    virtual void clear_slot(uint32_t slot) = 0;
};

// The guest-physical memory that is backed by memory: each region is a KVM memory slot and is told
// to the listeners. All calls need the machine lock (or happen before vCPUs run).
class MemoryMap {
  public:
    explicit MemoryMap(MemorySlots& slots) : slots_(slots) {}

    // Throws Error on an overlap, on unaligned values, or when KVM or a listener refuses; nothing
    // has changed then.
    void add(const MemoryRegion& region);
    // Removes the region that begins at `gpa`; nothing happens if there is none.
    void remove(uint64_t gpa);

    // A new listener is told of all present regions (first to last by address), and when it is
    // removed, of their removal, unless `quietly`: a listener that restores claims them itself.
    void add_listener(MemoryListener& listener, bool quietly);
    void remove_listener(MemoryListener& listener, bool quietly);

    // By address.
    std::vector<MemoryRegion> regions() const;
    // The bytes at a guest-physical range if it lies within one RAM region; else an empty span.
    std::span<uint8_t> ram(uint64_t gpa, uint64_t size) const;
    // Total bytes of RAM.
    uint64_t ram_size() const;

  private:
    MemorySlots& slots_;
    std::map<uint64_t, std::pair<uint32_t, MemoryRegion>> regions_;
    std::vector<MemoryListener*> listeners_;
};

}  // namespace cpr::vmm

#endif
