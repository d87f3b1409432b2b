// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHARDEV_PTY_H
#define CPR_VMM_CHARDEV_PTY_H

#include "vmm/chardev/stream_chardev.h"

namespace cpr::vmm {

// A pseudo terminal, whose other end libvirt's users open. Its name stays the same for as long as
// the master descriptor lives, so over updates, too.
class PtyChardev final : public StreamChardev {
  public:
    // Makes a new pseudo terminal if `master` is empty. Throws Error.
    PtyChardev(const std::string& id, EventLoop& loop, UniqueFd log, UniqueFd master);

    std::string filename() const override { return "pty:" + path_; }
    void keep(state::OutgoingFds& fds) const override;

  private:
    void on_hangup() override;
    bool has_reader() const override;
    void wait_for_reader();

    std::string path_;
    EventSource timer_;
};

}  // namespace cpr::vmm

#endif
