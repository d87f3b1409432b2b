// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_TARGET_H
#define CPR_CONTROLLER_QEMU_TARGET_H

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/binary_info.h"
#include "controller/qemu/guest.h"
#include "controller/qemu/run_watch.h"
#include "controller/vmm_calls.h"
#include "controller/vmm_link.h"
#include "controller/vmm_process.h"

namespace cpr::controller::qemu {

// A second QEMU that is to take a guest over from the first. It is a child of the controller's,
// and does not outlive it. On the update job's thread.
class Target {
  public:
    // Starts it; it then listens at `channel` for the guest's descriptors, and says nothing before
    // it has them. Throws Error.
    Target(EventLoop& loop, Guest& guest, const Binary& binary, ResourceLimits limits,
           std::string channel);
    // Whatever still runs is killed.
    ~Target();
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    // Returns when it listens. Throws Error kVmmGone if it ends before, kTimeout.
    void wait_until_listening(std::chrono::milliseconds deadline) const;
    // Its monitor's greeting, and the capabilities negotiated. Throws Error.
    void greet(std::chrono::milliseconds deadline);

    VmmCalls& calls() { return *calls_; }
    RunWatch& watch() { return *watch_; }
    const std::shared_ptr<const VmmProcess>& process() const { return process_; }
    // The guest is its own: it goes on as the one at the end of `link`.
    void hand_to(VmmLink& link);
    // The guest has left the other QEMU: this one sets the tap devices up for it.
    void open_taps();
    // For as long as the QEMU lives; null if it has no tap devices.
    std::unique_ptr<TapGuard> take_tap_guard() { return std::move(taps_); }
    // Kills it, and returns when nothing is left of it: whether it had entered the guest. Throws
    // Error kTimeout.
    bool end(std::chrono::milliseconds deadline);

  private:
    void start(Guest& guest, const Binary& binary, ResourceLimits limits);
    void on_event(Message event);

    EventLoop& loop_;
    std::string channel_;
    std::shared_ptr<RunWatch> watch_ = std::make_shared<RunWatch>();
    std::shared_ptr<const VmmProcess> process_;
    UniqueFd monitor_;
    std::unique_ptr<VmmLink> link_;
    // The guest's doing, for libvirt; on the loop's thread.
    std::vector<Message> events_;
    std::unique_ptr<VmmCalls> calls_;
    // On the loop's thread.
    std::unique_ptr<TapGuard> taps_;
    bool handed_over_ = false;
};

}  // namespace cpr::controller::qemu

#endif
