// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_PUMP_H
#define CPR_CONTROLLER_CHARDEV_PUMP_H

#include <memory>
#include <optional>
#include <string>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/chardev/byte_queue.h"
#include "controller/chardev/fd_watch.h"
#include "controller/chardev/outer_end.h"
#include "controller/chardev/relayed_device.h"

namespace cpr::controller {

// Carries the bytes of one character device between QEMU and the outer end, both ways. Who does not
// take them stops the other, except that a guest without a user never waits: what it writes is
// dropped then. Keeps QEMU's end open as well, so that the end of a QEMU is none of the connection,
// and what a QEMU has not read can be had back. On the event loop's thread.
class Pump {
  public:
    Pump(EventLoop& loop, StreamPair pair, std::unique_ptr<OuterEnd> outer);
    // Sends what the guest wrote on its way, as far as it is taken at once.
    ~Pump();
    Pump(const Pump&) = delete;
    Pump& operator=(const Pump&) = delete;

    std::string outer_name() const { return outer_->name(); }

    // See CharacterDevices.
    UniqueFd make_next();
    bool has_next() const { return next_.has_value(); }
    void hold();
    void switch_over();
    void go_on_with_old();

  private:
    void on_inner(GIOCondition condition);
    void on_outer(GIOCondition condition);
    void on_user();
    void read_inner(size_t most);
    void read_outer();
    void write_inner();
    void write_outer();
    void drain_inner();
    void take_back();
    void go_on();
    void update_watches();

    StreamPair pair_;
    std::optional<StreamPair> next_;
    std::unique_ptr<OuterEnd> outer_;
    ByteQueue to_guest_;
    ByteQueue to_outside_;
    bool held_ = false;
    // QEMU has shut the connection down; what is for the guest waits for the next.
    bool inner_ended_ = false;
    // The user takes nothing any more, but may have sent something before.
    bool outer_deaf_ = false;
    FdWatch inner_watch_;
    FdWatch outer_watch_;
};

}  // namespace cpr::controller

#endif
