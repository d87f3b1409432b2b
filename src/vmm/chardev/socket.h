// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHARDEV_SOCKET_H
#define CPR_VMM_CHARDEV_SOCKET_H

#include "vmm/chardev/stream_chardev.h"
#include "vmm/core/machine_config.h"

namespace cpr::vmm {

// A unix socket: listening, with one client at a time that may come again, or connected.
class SocketChardev final : public StreamChardev {
  public:
    // Either may be empty: a listener without a client, or a connection without a listener.
    SocketChardev(const ChardevConfig& config, EventLoop& loop, UniqueFd log, UniqueFd listener,
                  UniqueFd client);

    std::string filename() const override;
    bool frontend_open() const override { return stream_fd() >= 0; }
    void keep(state::OutgoingFds& fds) const override;

  private:
    void on_hangup() override;
    void watch_listener();

    ChardevConfig config_;
    UniqueFd listener_;
    EventSource listener_watch_;
};

}  // namespace cpr::vmm

#endif
