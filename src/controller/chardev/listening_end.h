// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_LISTENING_END_H
#define CPR_CONTROLLER_CHARDEV_LISTENING_END_H

#include <string>
#include <vector>

#include "controller/chardev/outer_end.h"

namespace cpr::controller {

// A socket that serves one client at a time; the others wait in its backlog.
class ListeningEnd final : public OuterEnd {
  public:
    // With a socket that listens already, or at `address`. A path that is bound here goes with this
    // object. Throws Error.
    ListeningEnd(EventLoop& loop, UniqueFd passed, SocketAddress address);
    ~ListeningEnd() override;

    int fd() override { return client_.get(); }
    void user_left() override;
    std::string name() const override;

  private:
    void listen();
    bool accept(int listener);

    EventLoop& loop_;
    SocketAddress address_;
    bool bound_ = false;
    // A host may have several addresses.
    std::vector<UniqueFd> listeners_;
    UniqueFd client_;
    std::vector<EventSource> watches_;
    EventSource retry_;
};

}  // namespace cpr::controller

#endif
