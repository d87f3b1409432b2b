// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_DEVICE_PVPANIC_H
#define CPR_VMM_DEVICE_PVPANIC_H

#include "vmm/core/bus.h"
#include "vmm/core/device.h"
#include "vmm/core/doorbells.h"
#include "vmm/core/machine_config.h"

namespace cpr::vmm {

struct PvpanicState {
    static constexpr std::string_view kKind = "pvpanic";
    static constexpr uint16_t kVersion = 1;
    bool pending = false;  // the guest has panicked, and nobody has been told yet

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.pending);
    }
    bool operator==(const PvpanicState&) const = default;
};

// pvpanic: a port by which the guest's kernel says that it has panicked. It reads as the events
// that there are; a write of one of them reports it, without an exit from KVM.
//
// An update makes doorbell and eventfd anew with the new VM. That the guest has rung is all that
// they hold, so it travels as one flag of the state and no descriptor does. Saving only looks at
// the doorbell: after a save that is undone the ring is still there.
class Pvpanic final : public StatefulDevice<PvpanicState>, public BusDevice {
  public:
    // Throws Error if the port is taken.
    Pvpanic(std::string id, uint16_t port, const DeviceContext& context);
    ~Pvpanic() override;

    void read(uint64_t offset, std::span<uint8_t> data) override;
    // The writes that are left over: nothing that the device knows.
    void write(uint64_t, std::span<const uint8_t>) override {}
    void reset() override;
    void describe(acpi::Config& platform) const override;

  private:
    PvpanicState snapshot() const override { return {.pending = doorbell_->rung()}; }

    Bus& ports_;
    uint16_t port_;
    std::unique_ptr<Doorbell> doorbell_;
};

// Properties: ioport. Throws Error kInvalidArgument.
std::unique_ptr<Device> make_pvpanic(const DeviceConfig& config, const DeviceContext& context);

}  // namespace cpr::vmm

#endif
