// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_VFIO_INTERRUPTS_H
#define CPR_VMM_VFIO_VFIO_INTERRUPTS_H

#include <optional>
#include <string>

#include "vmm/vfio/intx.h"
#include "vmm/vfio/msi.h"
#include "vmm/vfio/msix.h"
#include "vmm/vfio/vfio_config.h"

namespace cpr::vmm {

// Each is set if the guest sees the device to have it.
struct VfioInterruptsState {
    static constexpr bool kFielded = true;
    std::optional<MsixState> msix;
    std::optional<MsiState> msi;
    std::optional<IntxState> intx;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.msix, self.msi, self.intx);
    }
};

// The interrupts of a passthrough device. It uses one kind at a time, as the guest says in its
// configuration space: MSI-X if that is enabled, else MSI if that is, else INTx.
// Calls need the machine lock. What the guest does never throws.
class VfioInterrupts {
  public:
    // All is borrowed; `layout` is built, and `config` is what it emulates. At a restore `fds` has
    // the eventfds, and neither the kernel's VFIO nor KVM is told anything until attach().
    struct Setup {
        VfioApi& api;
        InterruptController& interrupts;
        int device;
        std::string name;
        const VfioConfig& layout;
        PciConfig& config;
        std::optional<uint32_t> gsi;  // of the pin
    };
    // Throws Error; kCorruptState if the state is not of this device.
    VfioInterrupts(Setup setup, VfioInterruptsState& state, state::IncomingFds* fds);

    // Takes the descriptors of the device `name` that a restore would. Throws Error kCorruptState.
    static void rehearse(const std::string& name, const VfioInterruptsState& state,
                         state::IncomingFds& fds);

    // Null if the device has none.
    Msix* msix() { return msix_ ? &*msix_ : nullptr; }

    // After power-on or a reset: INTx is on. Throws Error if the kernel refuses it and the device
    // has nothing else.
    void start();
    // All off, as before a reset.
    void stop();
    // The guest wrote to the configuration space, respectively is about to read it.
    void config_written(size_t offset, size_t size);
    void before_config_read(size_t offset, size_t size);

    void keep(state::OutgoingFds& fds) const;
    void detach();
    // Throws Error.
    void attach();

  private:
    template <typename State>
    static State& own(std::optional<State>& state, bool restored);
    MessageInterrupts::Setup message_setup(const char* fd_name, uint32_t index,
                                           uint32_t vectors) const;
    void enable_intx();

    Setup setup_;
    std::optional<Msix> msix_;
    std::optional<Msi> msi_;
    std::optional<Intx> intx_;
    bool intx_refused_ = false;  // said so once
};

}  // namespace cpr::vmm

#endif
