// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_I18N_H
#define CPR_TOOLS_I18N_H

namespace cpr::tools {

// Sets the program's language from its environment; call it first.
void set_up_language();

}  // namespace cpr::tools

#endif
