// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_DEVICE_RESET_CONTROL_H
#define CPR_VMM_DEVICE_RESET_CONTROL_H

#include "vmm/core/bus.h"
#include "vmm/core/device.h"

namespace cpr::vmm {

struct ResetControlState {
    static constexpr std::string_view kKind = "reset-control";
#ifdef CPR_TEST_NEXT_STATE
    // Only in tests/cpr-vmm-next: a later release, in which more of the register can be written.
    static constexpr uint16_t kVersion = 2;
    static constexpr uint16_t kOldestVersion = 1;
    static constexpr uint8_t kScratchBits = 0xf0;
#else
    static constexpr uint16_t kVersion = 1;
    static constexpr uint8_t kScratchBits = 0;
#endif
    uint8_t value = 0;
    uint8_t scratch = 0;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.value);
        if constexpr (kVersion >= 2)
            archive.since(2, self.scratch);
    }
    bool operator==(const ResetControlState&) const = default;
};

// The ways in which a guest resets its machine: the reset control register at 0xcf9 (Intel ICH9
// data sheet, 13.7.5; FADT names it), and the reset pulse of a keyboard controller at 0x64, of
// which there is nothing more.
class ResetControl final : public StatefulDevice<ResetControlState>, public BusDevice {
  public:
    static constexpr const char* kId = "reset-control";

    explicit ResetControl(const DeviceContext& context);
    ~ResetControl() override;

    void read(uint64_t offset, std::span<uint8_t> data) override;
    void write(uint64_t offset, std::span<const uint8_t> data) override;
    void reset() override { state_ = {}; }

  private:
    class Keyboard final : public BusDevice {
      public:
        explicit Keyboard(PlatformRequests& requests) : requests_(requests) {}
        void read(uint64_t offset, std::span<uint8_t> data) override;
        void write(uint64_t offset, std::span<const uint8_t> data) override;

      private:
        PlatformRequests& requests_;
    };

    PlatformRequests& requests_;
    Bus& ports_;
    Keyboard keyboard_;
};

}  // namespace cpr::vmm

#endif
