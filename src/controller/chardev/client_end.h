// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_CLIENT_END_H
#define CPR_CONTROLLER_CHARDEV_CLIENT_END_H

#include <string>

#include "controller/chardev/outer_end.h"

namespace cpr::controller {

// A connection to a server of somebody else's. If that closes it, nobody comes after it.
class ClientEnd final : public OuterEnd {
  public:
    // With a socket that is connected already, or to `address`. Throws Error.
    ClientEnd(UniqueFd passed, const SocketAddress& address);

    int fd() override { return socket_.get(); }
    void user_left() override { socket_.reset(); }
    std::string name() const override;

  private:
    UniqueFd socket_;
    std::string name_when_closed_;
};

}  // namespace cpr::controller

#endif
