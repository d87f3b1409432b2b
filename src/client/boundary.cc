// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/boundary.h"

#include "base/translate.h"

namespace cpr::client {

void check_domain(virDomainPtr domain) {
    if (!domain) {
        throw CallError("invalid-argument", _("the domain must not be NULL"));
    }
}

void check_flags(const char* function, unsigned int flags, unsigned int known) {
    if (flags & ~known) {
        throw CallError(
            "invalid-argument",
            format_text(_("unsupported flags ({:#x}) in function {}"), flags & ~known, function));
    }
}

void check_params(const void* params, const void* nparams) {
    if (!params != !nparams) {
        throw CallError("invalid-argument", _("params and nparams must both be given or NULL"));
    }
}

}  // namespace cpr::client
