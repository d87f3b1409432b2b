// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/i18n.h"

#include <clocale>

namespace cpr::tools {

void set_up_language() {
    setlocale(LC_ALL, "");
}

}  // namespace cpr::tools
