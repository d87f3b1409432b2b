// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_FD_WATCH_H
#define CPR_CONTROLLER_CHARDEV_FD_WATCH_H

#include <functional>
#include <utility>

#include "base/event_loop.h"

namespace cpr::controller {

// A watch of a descriptor whose conditions change often.
class FdWatch {
  public:
    FdWatch(EventLoop& loop, std::function<void(GIOCondition)> callback)
        : loop_(loop), callback_(std::move(callback)) {}

    // Without conditions nothing is watched, not even a hang-up, which nobody could make go.
    void set(int fd, unsigned conditions) {
        if (fd == fd_ && conditions == conditions_)
            return;
        clear();
        if (fd < 0 || conditions == 0)
            return;
        fd_ = fd;
        conditions_ = conditions;
        source_ = loop_.watch_fd(fd, static_cast<GIOCondition>(conditions),
                                 [this](GIOCondition condition) {
                                     callback_(condition);
                                     return true;
                                 });
    }
    void clear() {
        source_.cancel();
        fd_ = -1;
        conditions_ = 0;
    }

  private:
    EventLoop& loop_;
    std::function<void(GIOCondition)> callback_;
    EventSource source_;
    int fd_ = -1;
    unsigned conditions_ = 0;
};

}  // namespace cpr::controller

#endif
