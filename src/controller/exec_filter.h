// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_EXEC_FILTER_H
#define CPR_CONTROLLER_EXEC_FILTER_H

#include <linux/filter.h>

#include <vector>

#include "base/unique_fd.h"

namespace cpr::controller {

// What a QEMU of which libvirt wants that it starts no process is confined by, if it is to be
// updated in its process (-sandbox spawn=deny; QEMU's own filter would deny all for ever). It
// starts none, and asks whoever has the listener before it executes a program. It also asks before
// it maps memory for VFIO devices, since whoever brings a guest back has to know what a QEMU that
// died had claimed, and before it attaches or detaches the queue of a tap device, which stays as
// the guest has it while the next QEMU is built. Throws Error.
std::vector<sock_filter> exec_filter();

// Confines this process, which has one thread; returns the listener. For ever: also whatever it
// executes. Throws Error.
UniqueFd set_exec_filter();

}  // namespace cpr::controller

#endif
