// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_VIRSH_WORDS_H
#define CPR_TOOLS_VIRSH_WORDS_H

#include <optional>
#include <string>
#include <vector>

namespace cpr::tools {

using Words = std::vector<std::string>;

// Splits a command string by virsh's rules: commands end at `;` or a newline, quotes and
// backslashes are those of a shell, `#` begins a comment. Commands without a word are left out.
// Nothing for a string that virsh would refuse.
std::optional<std::vector<Words>> split_command_string(const std::string& text);

}  // namespace cpr::tools

#endif
