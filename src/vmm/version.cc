// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/version.h"

#ifndef CPR_VMM_VERSION
#include <config.h>
#define CPR_VMM_VERSION PACKAGE_VERSION
#endif

namespace cpr::vmm {

std::string_view version() {
    return CPR_VMM_VERSION;
}

}  // namespace cpr::vmm
