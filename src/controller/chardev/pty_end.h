// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_PTY_END_H
#define CPR_CONTROLLER_CHARDEV_PTY_END_H

#include <string>

#include "controller/chardev/outer_end.h"

namespace cpr::controller {

// A pseudo terminal: whoever has its slave open is the user.
class PtyEnd final : public OuterEnd {
  public:
    // With a symbolic link to the slave at `link`, unless that is empty; it goes with this object.
    // Throws Error.
    PtyEnd(EventLoop& loop, std::string link);
    ~PtyEnd() override;

    int fd() override;
    bool has_reader() override;
    void user_left() override;
    std::string name() const override { return "pty:" + path_; }

  private:
    bool look_for_user();
    void wait_for_user();

    EventLoop& loop_;
    UniqueFd master_;
    std::string path_;
    std::string link_;
    bool open_ = false;
    EventSource timer_;
};

}  // namespace cpr::controller

#endif
