// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_MONITOR_WATCHER_H
#define CPR_CONTROLLER_MONITOR_WATCHER_H

#include <cstdint>

#include "controller/vmm_link.h"

namespace cpr::controller {

// Is shown what goes between libvirt and the VMM, in its order, before it goes on, and may change
// it. On the event loop's thread.
class MonitorWatcher {
  public:
    // Of one command, until its answer.
    using Ticket = uint64_t;

    virtual ~MonitorWatcher() = default;

    // Throws Error: the command goes nowhere, and that is the answer.
    virtual Ticket on_command(Message& command) = 0;
    virtual void on_answer(Ticket ticket, Message& answer) = 0;
    virtual void on_event(Message& event) = 0;
};

}  // namespace cpr::controller

#endif
