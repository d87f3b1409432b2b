// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_REHEARSAL_H
#define CPR_VMM_REHEARSAL_H

#include "vmm/core/machine_config.h"

namespace cpr::vmm {

// Loads the copy of a guest's state in config.rehearsal_fd as an update would, with the table in
// config.cpr_fd for the names of the guest's descriptors, and stops wherever KVM, VFIO or such a
// descriptor comes in. Opens nothing and leaves nothing behind. Takes both descriptors. Throws the
// Error that the load would.
void rehearse(const MachineConfig& config);

}  // namespace cpr::vmm

#endif
