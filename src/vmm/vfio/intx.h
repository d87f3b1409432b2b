// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_INTX_H
#define CPR_VMM_VFIO_INTX_H

#include <cstdint>
#include <string>

#include "base/unique_fd.h"
#include "state/fd_table.h"
#include "vmm/core/interrupts.h"
#include "vmm/vfio/vfio_api.h"

namespace cpr::vmm {

struct IntxState {
    static constexpr bool kFielded = true;
    bool armed = false;  // the kernel has it enabled

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.armed);
    }
};

// The INTx interrupt of a passthrough device, which is level-triggered. When the device asserts its
// pin, the kernel masks it there and signals an eventfd, and KVM raises the guest's line. When the
// guest ends the interrupt, KVM lowers the line and signals another eventfd, and the kernel unmasks
// the device, which interrupts again if it still has a reason. Several devices share a line so.
//
// The line's level goes with the VM that had it. So whenever the interrupt is attached, the device
// is unmasked as if the guest had ended an interrupt: one that the guest has not served comes
// again, and at worst the guest is interrupted without a reason.
// Calls need the machine lock.
class Intx {
  public:
    // `state` is the owner's and outlives this; `device` and `name` are the VFIO device and what
    // errors call it, `gsi` is the line. At a restore `fds` has the eventfds, and nothing is
    // attached until attach().
    struct Setup {
        VfioApi& api;
        InterruptController& interrupts;
        int device;
        std::string name;
        uint32_t gsi;
    };
    Intx(Setup setup, IntxState& state, state::IncomingFds* fds);
    ~Intx();
    Intx(const Intx&) = delete;
    Intx& operator=(const Intx&) = delete;

    // Takes the interrupt from the kernel, and gives it back; each does nothing if it is so
    // already. enable() throws Error and has then done nothing; disable() never throws.
    void enable();
    void disable();

    // The eventfds of a saved state: the interrupt's, and what unmasks the device. Empty if it was
    // off. Throws Error kCorruptState.
    struct Events {
        UniqueFd interrupt;
        UniqueFd unmask;
    };
    static Events take(const IntxState& state, const std::string& name, state::IncomingFds& fds);

    void keep(state::OutgoingFds& fds) const;
    void detach();
    // Throws Error.
    void attach();

  private:
    void disconnect();
    void disconnect_quietly();

    Setup setup_;
    IntxState& state_;
    Events events_;
    bool attached_ = false;
    bool detached_;  // for a checkpoint, or not yet attached at a restore
};

}  // namespace cpr::vmm

#endif
