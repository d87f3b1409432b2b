// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_SECCOMP_NOTIFICATION_H
#define CPR_CONTROLLER_SECCOMP_NOTIFICATION_H

#include <seccomp.h>

#include "base/error.h"

namespace cpr::controller {

// A system call that waits for an answer (seccomp_unotify(2)): the request, and the response to be.
// The sizes of both are the kernel's.
struct SeccompNotification {
    SeccompNotification() {
        if (seccomp_notify_alloc(&request, &response) < 0)
            throw Error(ErrorCode::kSystem, "no memory for a seccomp notification");
    }
    ~SeccompNotification() { seccomp_notify_free(request, response); }
    SeccompNotification(const SeccompNotification&) = delete;
    SeccompNotification& operator=(const SeccompNotification&) = delete;

    seccomp_notif* request = nullptr;
    seccomp_notif_resp* response = nullptr;
};

}  // namespace cpr::controller

#endif
