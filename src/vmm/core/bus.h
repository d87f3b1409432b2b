// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_BUS_H
#define CPR_VMM_CORE_BUS_H

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace cpr::vmm {

// Something that a guest reads and writes by port or by memory-mapped I/O. Called with the machine
// lock held, on any vCPU thread. `offset` counts from the start of the mapping; an access has
// 1, 2, 4 or 8 bytes (ports: up to 4), little endian, and lies within the mapping. Must not throw.
class BusDevice {
  public:
    virtual ~BusDevice() = default;
    virtual void read(uint64_t offset, std::span<uint8_t> data) = 0;
    virtual void write(uint64_t offset, std::span<const uint8_t> data) = 0;
};

// The guest's port space or its memory-mapped I/O space: ranges and who answers there. All calls
// need the machine lock.
class Bus {
  public:
    // Maps `device`, which must outlive the mapping. A range that lies within another one is in
    // front of it, for the accesses that it holds whole (as port 0xcf9 is within the PCI address
    // register). Throws Error kInvalidArgument if the range is empty, wraps, overlaps another in
    // part, or begins where another begins; `name` is for errors and logs.
    void map(uint64_t base, uint64_t size, BusDevice& device, std::string name);
    // Takes the mapping that begins at `base` away; nothing happens if there is none.
    void unmap(uint64_t base);
    // Whether anything is mapped in the range.
    bool overlaps(uint64_t base, uint64_t size) const;

    // Nobody there: reads give all ones, writes are dropped, as on hardware; returns false then.
    bool read(uint64_t address, std::span<uint8_t> data) const;
    bool write(uint64_t address, std::span<const uint8_t> data) const;

  private:
    struct Range {
        uint64_t size;
        BusDevice* device;
        std::string name;
    };
    const Range* find(uint64_t address, uint64_t size, uint64_t& offset) const;
    std::map<uint64_t, Range> ranges_;
};

}  // namespace cpr::vmm

#endif
