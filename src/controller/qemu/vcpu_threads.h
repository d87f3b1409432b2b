// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_VCPU_THREADS_H
#define CPR_CONTROLLER_QEMU_VCPU_THREADS_H

#include <chrono>

#include "controller/vmm_calls.h"

namespace cpr::controller::qemu {

// Pins the vCPU threads of a QEMU to the processors to which those of another are pinned. Throws
// Error if the two have other vCPUs, or a thread cannot be pinned.
void copy_vcpu_affinity(VmmCalls& from, VmmCalls& to, std::chrono::milliseconds deadline);

}  // namespace cpr::controller::qemu

#endif
