// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_VIRSH_HELP_H
#define CPR_TOOLS_VIRSH_HELP_H

#include <string>

#include "tools/virsh_words.h"

namespace cpr::tools {

// What `virsh help update-in-place` prints.
std::string update_help();

// A list of commands as virsh prints it, with update-in-place at its place in the alphabet. Text
// that is no such list, or not of the group that it belongs to, is returned as it is.
std::string with_update_listed(const std::string& listing);

// What update-in-place adds to the completion of `words`, one word a line.
std::string update_completions(const Words& words);

// The words that the stock virsh is to complete for `words`: those of another command with such a
// domain as its first argument if it is our domain that is wanted, none for the rest of our
// command, else `words` themselves.
Words stock_completion_words(const Words& words);

}  // namespace cpr::tools

#endif
