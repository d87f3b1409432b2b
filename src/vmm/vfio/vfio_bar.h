// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_VFIO_BAR_H
#define CPR_VMM_VFIO_VFIO_BAR_H

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vmm/core/bus.h"
#include "vmm/core/memory_map.h"
#include "vmm/vfio/vfio_api.h"

namespace cpr::vmm {

// One BAR of a passthrough device. What the kernel lets us map appears in the guest's memory; the
// rest, and the pages of emulated parts (MSI-X table and pending bits), are accessed one by one.
// Calls need the machine lock.
class VfioBar final : public BusDevice {
  public:
    // A part that is emulated.
    struct Overlay {
        uint64_t offset;
        uint64_t size;
        std::function<void(uint64_t, std::span<uint8_t>)> read;
        std::function<void(uint64_t, std::span<const uint8_t>)> write;
    };

    // `bus` is the guest's MMIO, or its ports if `is_io`. Throws Error.
    struct Setup {
        VfioApi& api;
        MemoryMap& memory;
        Bus& bus;
        int device;
        VfioRegion region;
        std::string name;
        bool is_io;
    };
    VfioBar(Setup setup, std::vector<Overlay> overlays);
    ~VfioBar() override;
    VfioBar(const VfioBar&) = delete;
    VfioBar& operator=(const VfioBar&) = delete;

    // Makes it answer at a guest-physical address or port; throws Error and then it does not.
    void map(uint64_t address);
    void unmap();

    void read(uint64_t offset, std::span<uint8_t> data) override;
    void write(uint64_t offset, std::span<const uint8_t> data) override;

  private:
    struct Piece {
        uint64_t offset;
        uint64_t size;
        void* host;
    };
    void make_pieces();
    const Overlay* overlay_at(uint64_t offset, size_t size) const;
    void remove_pieces(uint64_t address, size_t count);

    Setup setup_;
    std::vector<Overlay> overlays_;
    std::vector<Piece> pieces_;
    std::optional<uint64_t> address_;
};

}  // namespace cpr::vmm

#endif
