// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_OUTER_END_H
#define CPR_CONTROLLER_CHARDEV_OUTER_END_H

#include <functional>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "controller/chardev/relayed_device.h"

namespace cpr::controller {

// Where the users of a relayed character device are: nobody, or one at a time.
class OuterEnd {
  public:
    OuterEnd() = default;
    OuterEnd(const OuterEnd&) = delete;
    OuterEnd& operator=(const OuterEnd&) = delete;
    virtual ~OuterEnd() = default;

    // What the user is connected by, not blocking; -1 if there is none.
    virtual int fd() = 0;
    // Whether there is somebody for what the guest writes.
    virtual bool has_reader() { return fd() >= 0; }
    // fd() is at its end: waits for the next user.
    virtual void user_left() = 0;
    // What a QEMU that had this end itself would call it.
    virtual std::string name() const = 0;

    void on_user(std::function<void()> callback) { on_user_ = std::move(callback); }

  protected:
    void tell_user_came() {
        if (on_user_)
            on_user_();
    }

  private:
    std::function<void()> on_user_;
};

// Makes, takes or connects what the device says. A connection is waited for, as by QEMU. Throws
// Error.
std::unique_ptr<OuterEnd> open_outer_end(EventLoop& loop, UniqueFd passed,
                                         const RelayedDevice& device);

}  // namespace cpr::controller

#endif
