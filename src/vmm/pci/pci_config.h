// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_PCI_PCI_CONFIG_H
#define CPR_VMM_PCI_PCI_CONFIG_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cpr::vmm {

// The 4096 bytes of configuration space of one PCI function, and which bits of them the guest may
// write. The bytes live in the owner's state; the masks come from the code that builds the layout.
// Multi-byte values are little endian. Nothing here throws but add_capability() and restore().
class PciConfig {
  public:
    static constexpr size_t kSize = 4096;
    static constexpr size_t kLegacySize = 256;

    // `bytes` is resized and cleared, and must outlive this.
    explicit PciConfig(std::vector<uint8_t>& bytes);

    // The function's own view: no masks. Offsets must be in range.
    uint8_t get8(size_t offset) const { return bytes_[offset]; }
    uint16_t get16(size_t offset) const { return static_cast<uint16_t>(get(offset, 2)); }
    uint32_t get32(size_t offset) const { return static_cast<uint32_t>(get(offset, 4)); }
    uint64_t get(size_t offset, size_t size) const;
    void set8(size_t offset, uint8_t value) { bytes_[offset] = value; }
    void set16(size_t offset, uint16_t value) { set(offset, value, 2); }
    void set32(size_t offset, uint32_t value) { set(offset, value, 4); }
    void set(size_t offset, uint64_t value, size_t size);

    // Bits that the guest may write, and bits that it clears by writing 1.
    void make_writable(size_t offset, uint64_t mask, size_t size);
    void make_write_1_to_clear(size_t offset, uint64_t mask, size_t size);
    // Bits that the device itself changes: they may differ from the layout at a restore.
    void make_volatile(size_t offset, uint64_t mask, size_t size);

    // Puts a capability of `size` bytes, header included, at `offset` or at the next free place,
    // in front of the list; returns its offset. Throws Error if there is no room.
    uint8_t add_capability(uint8_t id, uint8_t size, uint8_t offset = 0);
    // The offset of a capability, or 0.
    uint8_t find_capability(uint8_t id) const;

    // The guest's accesses. Any offset and size: outside, reads give ones and writes are dropped.
    void read(size_t offset, std::span<uint8_t> data) const;
    void write(size_t offset, std::span<const uint8_t> data);

    // Takes the saved bytes over the layout as built. Throws Error kCorruptState if they differ in
    // a bit that cannot change.
    void restore(std::span<const uint8_t> saved);

  private:
    bool is_free(size_t offset, size_t size) const;

    std::vector<uint8_t>& bytes_;
    std::vector<uint8_t> writable_;
    std::vector<uint8_t> clearable_;
    std::vector<uint8_t> volatile_;
    std::vector<bool> used_;
};

}  // namespace cpr::vmm

#endif
