// SPDX-License-Identifier: LGPL-2.1-or-later
// A machine as far as it goes without the kernel's part of it.
#include "base/error.h"
#include "vmm/core/machine_impl.h"

namespace cpr::vmm {
namespace {

// What devices would ask of KVM and of the machine. Nothing runs, so nothing comes of it.
class NoKernel final : public MemorySlots,
                       public InterruptController,
                       public Doorbells,
                       public PlatformRequests {
  public:
    void set_slot(uint32_t, const MemoryRegion&) override {}
    void clear_slot(uint32_t) override {}

    void set_line(uint32_t, bool) override {}
    void attach_line(uint32_t, int, int) override {}
    void detach_line(uint32_t, int) override {}
    std::unique_ptr<MsiRoute> make_msi_route() override {
        throw Error(ErrorCode::kInternal, "a rehearsal delivers no interrupts");
    }
    void add_vfio_group(int) override {}
    void remove_vfio_group(int) override {}

    std::unique_ptr<Doorbell> make(const DoorbellWrite&, std::function<void()>) override {
        return std::make_unique<Silent>();
    }

    void request_reset() override {}
    void request_shutdown() override {}
    void report_panic() override {}

  private:
    class Silent final : public Doorbell {
        bool rung() const override { return false; }
        void ring() override {}
        void clear() override {}
    };
};

}  // namespace

void rehearse_machine(const MachineConfig& config, EventLoop& loop, Chardevs& chardevs,
                      Restored& restored) {
    const Boot boot(config, &restored.fds);
    restored.fds.take(GuestMemory::kFdName);
    NoKernel none;
    MemoryMap memory(none);
    Bus ports;
    Bus mmio;
    Blockers blockers;
    DeviceContext context{.loop = loop,
                          .memory = memory,
                          .ports = ports,
                          .mmio = mmio,
                          .interrupts = none,
                          .doorbells = none,
                          .blockers = blockers,
                          .chardevs = chardevs,
                          .requests = none,
                          .restored = &restored};
    VfioManager vfio(context, nullptr);
    context.vfio = &vfio;
    MachineDevices devices;
    devices.build(config, context);
    take_machine_sections(restored.state, config);
}

}  // namespace cpr::vmm
