// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_INTERACTIVE_LINE_H
#define CPR_TOOLS_INTERACTIVE_LINE_H

#include <optional>
#include <string>
#include <vector>

#include "tools/virsh_words.h"

namespace cpr::tools {

// A part of a line that was typed in virsh's interactive mode.
struct LinePart {
    bool is_own = false;
    Words words;       // of ours: the one command
    std::string text;  // of the stock virsh: commands as one would type them
};

// Divides a line between the front end and the stock virsh, in order. Nothing if all of it is the
// stock virsh's, which then gets it as it was typed.
std::optional<std::vector<LinePart>> divide_line(const std::string& line);

// The words of the command that is being typed behind `before`, with `typed` as the last of them.
// Nothing within quotes.
std::optional<Words> words_up_to(const std::string& before, const std::string& typed);

}  // namespace cpr::tools

#endif
