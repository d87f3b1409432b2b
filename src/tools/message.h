// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_MESSAGE_H
#define CPR_TOOLS_MESSAGE_H

#include <string>

namespace cpr::tools {

// Prints "error: TEXT" on standard error, after everything that standard output has been given.
void print_error(const std::string& text);

// Prints what is no error on standard error, on a line of its own.
void print_notice(const std::string& text);

}  // namespace cpr::tools

#endif
