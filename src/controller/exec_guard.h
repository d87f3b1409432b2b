// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_EXEC_GUARD_H
#define CPR_CONTROLLER_EXEC_GUARD_H

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/binary_info.h"

struct seccomp_notif;

namespace cpr::controller {

// Which file a descriptor or a path leads to.
struct FileIdentity {
    uint64_t device = 0;
    uint64_t inode = 0;
    bool operator==(const FileIdentity&) const = default;
};

// Decides about the programs that a confined VMM asks to execute (seccomp user notification): only
// while one is ordered, only that file, and only once. What else it asks for others decide. On the
// event loop's thread.
class ExecGuard {
  public:
    // Of what a VMM asks for that is no execution: nothing if it may do it, else what it gets as
    // the result, 0 or -errno.
    using Other = std::function<std::optional<int>(const seccomp_notif& request)>;

    explicit ExecGuard(EventLoop& loop, Other other = {}) : loop_(loop), other_(std::move(other)) {}

    // The listener of the VMM's filter, which the VMM has sent; instead of an earlier one.
    void watch(UniqueFd listener, pid_t vmm);

    // The VMM may execute this program now; null: it may execute none any more. A VMM that has
    // become another program than the ordered one is killed.
    void order(std::shared_ptr<const Binary> binary);
    // By its path, as QEMU executes a program, whose other threads run on: only what the VMM has
    // become tells what it has executed.
    void order_by_path(std::shared_ptr<const Binary> binary);

  private:
    bool on_request();
    void answer(const seccomp_notif& request);
    // Why the VMM may not do what it asks for; empty if it may.
    std::string objection(const seccomp_notif& request) const;
    std::string objection_to_path(const seccomp_notif& request) const;
    bool is_made_again() const;
    bool is_ordered(const FileIdentity& program) const;
    bool is_ordered_file(int vmm_fd) const;
    void look_at_program();

    EventLoop& loop_;
    Other other_;
    UniqueFd listener_;
    UniqueFd pidfd_;
    pid_t vmm_ = 0;
    EventSource watch_;
    std::shared_ptr<const Binary> ordered_;
    bool by_path_ = false;
    // Set by a permission: what the VMM was then.
    std::optional<FileIdentity> before_;
    EventSource next_look_;
};

}  // namespace cpr::controller

#endif
