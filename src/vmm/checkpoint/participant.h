// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHECKPOINT_PARTICIPANT_H
#define CPR_VMM_CHECKPOINT_PARTICIPANT_H

#include <vector>

#include "state/fd_table.h"
#include "vmm/checkpoint/blockers.h"

namespace cpr::vmm {

// What takes part in a checkpoint beyond its state: it holds descriptors that are carried over,
// interrupts that are detached and attached again, or DMA vaddrs. Registered with the machine;
// called on the main thread with all vCPUs stopped, or under the machine lock (find_blockers() and
// keep()). Each function does nothing unless overridden. A function that throws Error has undone
// its own part.
class CheckpointParticipant {
  public:
    virtual ~CheckpointParticipant() = default;

    // Adds what is in the way now, beyond the registered blockers. Never throws.
    virtual void find_blockers(std::vector<Blocker>&) const {}

    // Names the descriptors that the new binary needs.
    virtual void keep(state::OutgoingFds&) const {}

    // Save: irqfds off, so that interrupts gather in the preserved eventfds; and on again, in
    // a rollback or at the end of a load. Attaching what is attached does nothing.
    virtual void detach_interrupts() {}
    virtual void attach_interrupts() {}

    // Save, after all states are written: first every participant checks that it could, then each
    // invalidates its DMA vaddrs. restore_vaddrs() makes them valid again in this process, in a
    // rollback (those that are valid stay so).
    virtual void check_vaddrs() {}
    virtual void invalidate_vaddrs() {}
    virtual void restore_vaddrs() {}

    // Load: claims every range of the saved DMA map at its address in this process, after comparing
    // the whole map with the memory map.
    virtual void claim_vaddrs() {}
};

}  // namespace cpr::vmm

#endif
