// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_MONITOR_INFO_H
#define CPR_VMM_MONITOR_INFO_H

#include <string>
#include <string_view>

namespace cpr::vmm {

// What --info prints (docs/protocol.md): who this program is and which states it can load.
std::string info_text(std::string_view version);

}  // namespace cpr::vmm

#endif
