// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VERSION_H
#define CPR_VMM_VERSION_H

#include <string_view>

namespace cpr::vmm {

// The version of this program. In an object of its own, since the tests link the same VMM with
// another one.
std::string_view version();

}  // namespace cpr::vmm

#endif
