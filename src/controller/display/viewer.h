// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_DISPLAY_VIEWER_H
#define CPR_CONTROLLER_DISPLAY_VIEWER_H

#include <functional>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/chardev/byte_queue.h"
#include "controller/chardev/fd_watch.h"

namespace cpr::controller {

// Carries the bytes between one viewer of a display and QEMU, both ways. Who does not take them
// stops the other. When one of them ends, the other gets what was on its way, and ends as well. On
// the event loop's thread.
class Viewer {
  public:
    // Of two connected sockets. `on_end` is called once, and must not destroy this object.
    Viewer(EventLoop& loop, UniqueFd viewer, UniqueFd qemu, std::function<void()> on_end);
    Viewer(const Viewer&) = delete;
    Viewer& operator=(const Viewer&) = delete;

    bool ended() const { return ended_; }

  private:
    struct Side {
        Side(EventLoop& loop, UniqueFd socket, Viewer& viewer);

        UniqueFd fd;
        // For this side.
        ByteQueue queue;
        bool at_end = false;
        FdWatch watch;
    };

    void on_ready(GIOCondition condition, Side& from, Side& to);
    void update();

    bool ended_ = false;
    std::function<void()> on_end_;
    Side viewer_;
    Side qemu_;
};

}  // namespace cpr::controller

#endif
