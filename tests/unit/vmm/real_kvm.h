// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_UNIT_VMM_REAL_KVM_H
#define CPR_UNIT_VMM_REAL_KVM_H

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace cpr::vmm {

// Whether a test on the kernel's KVM has to be skipped: there is none, and CPR_TEST_REQUIRE does
// not have "kvm" in it.
inline bool must_skip_kvm() {
    const char* required = getenv("CPR_TEST_REQUIRE");
    const bool needed =
        required && std::string_view(required).find("kvm") != std::string_view::npos;
    return !needed && access("/dev/kvm", R_OK | W_OK) != 0;
}

}  // namespace cpr::vmm

#endif
