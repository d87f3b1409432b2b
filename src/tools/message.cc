// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/message.h"

#include <unistd.h>

#include <cstdio>

#include "base/translate.h"

namespace cpr::tools {

void print_error(const std::string& text) {
    std::fflush(stdout);
    std::string line = format_text(_("error: {}"), text);
    std::fprintf(stderr, "%s\n", line.c_str());
}

void print_notice(const std::string& text) {
    // A terminal may show half a line of progress, or the ^C that it echoed.
    std::fprintf(stderr, "%s%s\n", isatty(STDERR_FILENO) ? "\n" : "", text.c_str());
}

}  // namespace cpr::tools
