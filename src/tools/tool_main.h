// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_TOOL_MAIN_H
#define CPR_TOOLS_TOOL_MAIN_H

#include <cstdlib>
#include <exception>

#include "base/error.h"
#include "base/text_translation.h"
#include "tools/i18n.h"
#include "tools/message.h"

namespace cpr::tools {

// A tool's main function around `run`, which returns the exit status: texts are in the user's
// language, and what is thrown is told.
template <typename Run>
int tool_main(Run run) {
    set_up_language();
    try {
        return run();
    } catch (const std::exception& error) {
        print_error(translation_of(text_of(error)));
        return EXIT_FAILURE;
    }
}

}  // namespace cpr::tools

#endif
