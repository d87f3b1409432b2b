// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_INTERRUPTS_H
#define CPR_VMM_CORE_INTERRUPTS_H

#include <cstdint>
#include <memory>

namespace cpr::vmm {

// One message-signalled interrupt: a GSI of its own whose route carries the message. Destroying it
// detaches and frees the GSI. Calls need the machine lock; they throw Error if KVM refuses.
class MsiRoute {
  public:
    virtual ~MsiRoute() = default;
    // The message that the guest programmed.
    virtual void set(uint64_t address, uint32_t data) = 0;
    // Lets KVM deliver the message whenever `eventfd` (borrowed, must stay open until detach) is
    // signalled; an eventfd that is signalled already delivers at once.
    virtual void attach(int eventfd) = 0;
    // From here signals gather in the eventfd; what was taken from it has been delivered to the
    // (local) APIC when this returns. Does nothing if not attached.
    virtual void detach() = 0;
    // Delivers once now.
    virtual void trigger() = 0;
};

// The guest's interrupt controllers, which live in KVM.
class InterruptController {
  public:
    virtual ~InterruptController() = default;
    // Level of a line of the I/O APIC (and PIC, for GSIs below 16). Machine lock; never
    // throws.
    virtual void set_line(uint32_t gsi, bool level) = 0;
    // Lets KVM raise the line whenever `eventfd` is signalled (or is already), and signal
    // `resample` whenever the guest has ended an interrupt of the line, which is low then. Both are
    // borrowed until detach_line(), after which signals gather in `eventfd`; what was taken from it
    // before, and the guest has not ended, is lost with the line's level. Throw Error.
    virtual void attach_line(uint32_t gsi, int eventfd, int resample) = 0;
    virtual void detach_line(uint32_t gsi, int eventfd) = 0;
    // Throws Error if there is no GSI left.
    virtual std::unique_ptr<MsiRoute> make_msi_route() = 0;
    // Lets KVM's VFIO device know of a VFIO group (KVM_DEV_VFIO_GROUP_ADD), and forget it.
    virtual void add_vfio_group(int group_fd) = 0;
    virtual void remove_vfio_group(int group_fd) = 0;
};

}  // namespace cpr::vmm

#endif
