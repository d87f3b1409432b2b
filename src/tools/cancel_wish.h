// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_CANCEL_WISH_H
#define CPR_TOOLS_CANCEL_WISH_H

#include <libvirt/libvirt.h>

#include <mutex>

#include "tools/libvirt_session.h"

namespace cpr::tools {

// The user's wish to cancel the update that the tool follows. It may come before the job is there,
// or while the connection is lost, and is carried out as soon as it can be. Tells the user on
// standard error if it is too late.
class CancelWish {
  public:
    // Any thread.
    void express();

    // The domain's job is under way, and can be reached by this connection; null: by none now.
    void set_job(virDomainPtr domain);

    // Whether the update was to be cancelled, and the user has not been told that it is too late.
    bool is_open() const;

  private:
    void carry_out();

    mutable std::mutex mutex_;
    Domain domain_;
    bool is_expressed_ = false;
    bool is_too_late_ = false;
};

}  // namespace cpr::tools

#endif
