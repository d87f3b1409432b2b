// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_TAP_GUARD_H
#define CPR_CONTROLLER_QEMU_TAP_GUARD_H

#include <linux/filter.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/qemu/argument_model.h"

struct seccomp_notif;
struct seccomp_notif_resp;

namespace cpr::controller::qemu {

// The tap devices of a QEMU with that command line, by their ids.
std::vector<std::string> tap_devices(const ArgumentModel& line);

// Their descriptors, of all queues, as far as the command line has them by number.
std::vector<int> tap_descriptors(const ArgumentModel& line);

// QEMU takes each queue of a tap device for attached when it opens it. One that the guest had not
// in use is not, and QEMU ends as it detaches it once more. False, with errno, if it cannot be
// attached.
bool attach_queue(int tap);

// Keeps a QEMU that is being built from changing the tap devices of the guest, which still runs on
// another QEMU: both have the same open files. QEMU sets a tap device up as it opens it (length of
// the header before each packet, offloads, queues), and again as it loads the guest (net/tap.c,
// hw/net/virtio-net.c). The former is answered as if it had been done. On the event loop's thread.
class TapGuard {
  public:
    explicit TapGuard(EventLoop& loop) : loop_(loop) {}

    // What its process is to be started with. Throws Error.
    static std::vector<sock_filter> filter();

    // The listener of the filter in that process.
    void watch(UniqueFd listener, int pidfd);
    // The same where somebody else has the listener, and asks for the answers.
    void follow(int pidfd);
    // What the system call returns; nothing if it is to be done, or is none of a tap device's.
    std::optional<int> answer(const seccomp_notif& request) const;

    // The guest has left the other QEMU.
    void let_through() { open_ = true; }
    // There is a next one.
    void shut() { open_ = false; }

  private:
    bool on_request();
    // What the system call returns, 0 or -errno; kPass if it is to be done.
    int decide(const seccomp_notif& request) const;
    int set_queue(const seccomp_notif& request) const;

    EventLoop& loop_;
    UniqueFd listener_;
    UniqueFd pidfd_;
    EventSource watch_;
    bool open_ = false;
};

}  // namespace cpr::controller::qemu

#endif
