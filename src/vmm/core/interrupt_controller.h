// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_INTERRUPT_CONTROLLER_H
#define CPR_VMM_CORE_INTERRUPT_CONTROLLER_H

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "vmm/core/interrupts.h"
#include "vmm/core/kvm_api.h"
#include "vmm/core/kvm_uapi.h"

namespace cpr::vmm {

// What the guest did to the PICs, the I/O APIC and the timer chip.
struct IrqchipState {
    static constexpr std::string_view kKind = "irqchip";
    static constexpr uint16_t kVersion = 1;
    std::array<kvm_irqchip, 3> chips{};  // by chip id: PIC 0, PIC 1, I/O APIC
    kvm_pit_state2 pit{};

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        for (auto& chip : self.chips)
            archive.raw(chip);
        archive.raw(self.pit);
    }
    void validate() const;
};

// The interrupt controllers and the timer chip in KVM, and the table of routes to them: GSIs 0 to
// 23 are lines, those from platform::kFirstMsiGsi on carry messages.
class KvmInterrupts final : public InterruptController {
  public:
    // Makes the chips in `vm`, which outlives this object. Throws Error.
    explicit KvmInterrupts(KvmVm& vm);
    ~KvmInterrupts() override;

    void set_line(uint32_t gsi, bool level) override;
    void attach_line(uint32_t gsi, int eventfd, int resample) override;
    void detach_line(uint32_t gsi, int eventfd) override;
    std::unique_ptr<MsiRoute> make_msi_route() override;
    void add_vfio_group(int group_fd) override;
    void remove_vfio_group(int group_fd) override;

    // vCPUs are stopped for these.
    IrqchipState save() const;
    void restore(const IrqchipState& state);
    void reset() { restore(fresh_); }

  private:
    class Route;
    void commit_routes();

    KvmVm& vm_;
    IrqchipState fresh_;
    std::set<uint32_t> used_gsis_;
    std::map<uint32_t, kvm_irq_routing_entry> messages_;
};

}  // namespace cpr::vmm

#endif
