// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_STRAY_VMM_H
#define CPR_CONTROLLER_STRAY_VMM_H

#include <memory>
#include <string>

#include "base/event_loop.h"
#include "controller/vmm_process.h"

namespace cpr::controller {

// The path of a listening unix socket; empty if it has none.
std::string socket_path(int listener);

// Ends a VMM in another process than the one that libvirt started, when libvirt has done with the
// domain: it kills the process of the number that it knows, if that is still there, and removes the
// monitor socket's path. On the event loop's thread.
class StrayVmm {
  public:
    // `path` is the monitor socket's.
    StrayVmm(EventLoop& loop, std::shared_ptr<const VmmProcess> process,
             std::shared_ptr<const VmmProcess> known, std::string path);

  private:
    bool on_end_of_known();
    void look();
    void end(int signal_number);

    EventLoop& loop_;
    std::shared_ptr<const VmmProcess> process_;
    std::shared_ptr<const VmmProcess> known_;
    std::string path_;
    bool ending_ = false;
    EventSource known_watch_;
    EventSource timer_;
};

}  // namespace cpr::controller

#endif
