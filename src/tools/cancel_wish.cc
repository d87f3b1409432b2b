// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/cancel_wish.h"

#include <libvirt-cpr/libvirt-cpr.h>

#include <string_view>

#include "base/translate.h"
#include "tools/message.h"

namespace cpr::tools {

namespace {

Domain share(virDomainPtr domain) {
    if (domain) {
        virDomainRef(domain);
    }
    return Domain(domain);
}

}  // namespace

void CancelWish::express() {
    {
        std::lock_guard lock(mutex_);
        is_expressed_ = true;
    }
    carry_out();
}

void CancelWish::set_job(virDomainPtr domain) {
    bool is_expressed = false;
    {
        std::lock_guard lock(mutex_);
        domain_ = share(domain);
        is_expressed = is_expressed_;
    }
    if (is_expressed) {
        carry_out();
    }
}

bool CancelWish::is_open() const {
    std::lock_guard lock(mutex_);
    return is_expressed_ && !is_too_late_;
}

// Without the lock while it waits for libvirt, which may be gone for good.
void CancelWish::carry_out() {
    Domain domain;
    {
        std::lock_guard lock(mutex_);
        domain = share(domain_.get());
    }
    if (!domain || virDomainCprCancel(domain.get(), 0) == 0) {
        return;
    }
    const char* code = virCprGetLastErrorCode();
    if (code && std::string_view(code) == "invalid-state") {
        print_notice(_("the update can no longer be cancelled: waiting for its end"));
        std::lock_guard lock(mutex_);
        is_too_late_ = true;
    }
}

}  // namespace cpr::tools
