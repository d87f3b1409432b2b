// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_VFIO_RECOVERY_H
#define CPR_CONTROLLER_VFIO_RECOVERY_H

#include <cstdint>

namespace cpr::controller {

// What it takes to bring VFIO devices back from a QEMU that has died on them. The only ioctls of
// VFIO outside of cpr-vmm.

// Takes back that a process has claimed a range of a container's DMA mappings, so that another can.
// A range that is not claimed stays so. Throws Error for one that is no mapping's.
void give_back_range(int container, uint64_t iova, uint64_t size);

// Signals each interrupt that a device has set up, once. Those that came to a QEMU that is gone
// went with it; a guest takes one too many, and not one too few.
void signal_interrupts(int device);

}  // namespace cpr::controller

#endif
